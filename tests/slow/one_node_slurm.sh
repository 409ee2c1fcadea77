#!/bin/sh
# A SLURM of one node for tests, on loopback, with GPUs that are only files: no systemd, nothing below /etc or /var.
#
#   one_node_slurm.sh start FOLDER CPUS GPUS      afterwards, to use it: . FOLDER/env.sh
#   one_node_slurm.sh stop FOLDER
#
# Needs root and Debian's slurmctld, slurmd, slurm-client and munge. What took place is in FOLDER/jobs.log, a line a job.
set -eu
what=$1
folder=$(readlink -m "$2")
node=$(hostname -s)
PATH=$PATH:/usr/sbin

is_up() { # a process by its pid file, if that is still the program, and not one whose end nobody has asked for
  status=/proc/$(cat "$folder/$1.pid" 2>/dev/null || echo none)/status
  grep -qs "^Name:.$1$" "$status" && ! grep -qs "^State:.Z" "$status"
}

stop_one() {
  is_up "$1" || return 0
  kill "$(cat "$folder/$1.pid")"
  for _ in $(seq 100); do
    is_up "$1" || return 0
    sleep 0.1
  done
  kill -9 "$(cat "$folder/$1.pid")"
}

if [ "$what" = stop ]; then
  [ -f "$folder/slurm.conf" ] || exit 0
  export SLURM_CONF="$folder/slurm.conf"
  scancel --user "$(id -un)" || true
  for _ in $(seq 50); do
    [ -n "$(squeue -h -t R,CG 2>/dev/null)" ] || break
    sleep 0.2
  done
  for program in slurmd slurmctld munged; do stop_one $program; done
  exit 0
fi

cpus=$3
gpus=$4
mkdir -p "$folder/bin" "$folder/state" "$folder/spool"
chmod 755 "$folder"

(umask 077 && dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none)
munged --key-file="$folder/munge.key" --socket="$folder/munge.sock" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" --num-threads=2

: >"$folder/gres.conf"
for gpu in $(seq 0 $((gpus - 1))); do
  mknod -m 666 "$folder/gpu$gpu" c 1 3 # as /dev/null
  echo "NodeName=$node Name=gpu Type=fake File=$folder/gpu$gpu" >>"$folder/gres.conf"
done

cat >"$folder/cgroup.conf" <<END
CgroupPlugin=cgroup/v1
CgroupAutomount=no
ConstrainCores=no
ConstrainRAMSpace=no
ConstrainDevices=no
END

# config_overrides: the node may promise more CPUs than there are, so that a profile meant for larger ones can be tried.
# MinJobAge: without slurmdbd there is no sacct, and squeue must remember jobs that have ended.
cat >"$folder/slurm.conf" <<END
ClusterName=one-node
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.sock
CryptoType=crypto/munge
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobs.log
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
ReturnToService=2
MinJobAge=3600
KillWait=5
InactiveLimit=0
Waittime=0
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=256000 Gres=gpu:fake:$gpus State=UNKNOWN
PartitionName=test Nodes=$node Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END

# The executor's job steps drop every SLURM_ variable before their inner srun, which then has to find its configuration.
printf '#!/bin/sh\nSLURM_CONF=%s exec /usr/bin/srun "$@"\n' "$folder/slurm.conf" >"$folder/bin/srun"
chmod 755 "$folder/bin/srun"
printf 'export SLURM_CONF=%s PATH=%s:"$PATH"\n' "$folder/slurm.conf" "$folder/bin" >"$folder/env.sh"

export SLURM_CONF="$folder/slurm.conf"
slurmctld
slurmd
for _ in $(seq 150); do
  case $(sinfo -h -o %t 2>/dev/null) in idle | mix | alloc) exit 0 ;; esac
  sleep 0.2
done
echo "the node did not become idle: $(sinfo -h -o %t)" >&2
tail -n 20 "$folder"/slurm*.log >&2
exit 1

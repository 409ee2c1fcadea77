#!/bin/sh
# Says of a job of Grid Engine whether it is running (or waits), was a success, or failed.
if qstat -j "$1" >/dev/null 2>&1; then
  echo running
  exit
fi
# The accounting of a job that has ended comes a little later; one that never comes belongs to a job that never ran.
for _ in 1 2 3 4 5 6; do
  if account=$(qacct -j "$1" 2>/dev/null); then
    echo "$account" | awk '$1 == "failed" && $2 != 0 || $1 == "exit_status" && $2 != 0 {bad = 1} END {print bad ? "failed" : "success"}'
    exit
  fi
  sleep 5
done
echo failed

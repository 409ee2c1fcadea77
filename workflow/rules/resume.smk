# What lost its end since it was made, as by a power cut, is deleted before anything is planned, so that it is made again.
# Included last: of all that is found, only what a rule makes is touched.

CUT_OFF = []
if workflow.is_main_process:
    CUT_OFF = cut_off(Path(results("")), [Path("resources/models", name) for name in CHECKPOINTS])

if workflow.is_main_process and is_run():  # what Snakemake kept of a shared folder for a job that was killed
    shutil.rmtree(".snakemake/backups", ignore_errors=True)

for path in CUT_OFF:
    if any(rule.is_producer(str(path)) for rule in workflow.rules):
        logger.warning(
            f"{path}: cut off, as by a power cut; {'it is made again' if is_run() else 'a run makes it again'}"
        )
        if is_run():
            forget(path)

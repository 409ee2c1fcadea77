# How large sample sets are, and whether that is enough for what is asked, as far as it is known before a run.
#
# In:  the configuration, and tables of the corpus that are here already
# Out: constants and functions that samples.smk and costs.smk read; with -n, lines on the terminal
from layerwise.experiment.samples.check import answers
from layerwise.experiment.samples.chosen import read_and_choose
from layerwise.experiment.samples.planned import asked_layers
from layerwise.experiment.samples.sizes import in_a_line, sizes_of
from layerwise.experiment.samples.speech import read_speech
from layerwise.experiment.samples.workable import Plan
from layerwise.scoring.properties import asked
from layerwise.scoring.settings import ScoreSettings

ENOUGH = results("samples/enough.csv")
RARE_TYPES = results("corpus/rare_types.csv")
ASKED_LAYERS = [asdict(each) for each in asked_layers(EXPERIMENT)]
ASKED_OF_ROWS = {name: asked(entry) for name, entry in QUESTIONS.items()}
SCORE_SETTINGS = {
    "seed": config["samples"]["seed"],
    **{key: value for key, value in config["cca"].items() if key != "layers_per_job"},
}
# What the corpus says of sizes that are `auto`; nothing, if all are numbers.
CHOSEN_SIZES = [] if len(given_sizes(SIZES)) == len(SIZES) else [from_corpus("samples/sizes.yaml")]


def tables_now():
    """The tables that samples are drawn from, and the list of words in a list; None: they are not all here."""
    if not all(map(is_made, [UTTERANCES, INTERVALS, *WORD_LIST])):
        return None
    utterances, intervals, *word_list = (Path(brought(path)) for path in [UTTERANCES, INTERVALS, *WORD_LIST])
    return utterances, intervals, word_list


def sizes_now():
    """The sizes; None: some are `auto`, and the tables of the corpus that are asked for them are not here."""
    if not CHOSEN_SIZES:
        return sizes_of(SIZES, None)
    if tables_now() is None:
        return None
    utterances, intervals, word_list = tables_now()
    return read_and_choose(utterances, intervals, given_sizes(SIZES), *word_list, lower_case=LOWER_CASE).sizes


def foresee():
    """Say what check_samples will say, of the first sample set alone, if the tables of the corpus are here."""
    if tables_now() is None:
        return
    sizes = sizes_now()
    if CHOSEN_SIZES:
        logger.info(f"samples: auto takes {in_a_line(sizes)}")
    utterances, intervals, word_list = tables_now()
    speech = read_speech(utterances, intervals, SCORE_SETTINGS["seed"], *(word_list or [None]), LOWER_CASE, [])
    plan = Plan(sizes, ScoreSettings(**SCORE_SETTINGS), samples=1)
    for answer in answers(asked_layers(EXPERIMENT), PROPERTIES, speech, plan):
        if answer.said:
            logger.warning(f"planned, but {shown(answer.said, 1000)}")


if workflow.is_main_process and workflow.output_settings.dryrun:
    try:
        foresee()
    except LayerwiseError as error:  # a job will say so too
        logger.warning(f"planned, but {shown(error, 1000)}")

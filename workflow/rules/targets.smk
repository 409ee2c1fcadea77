# What targets need beside the representations.
#
# In:  the properties that are asked
# Out: functions for the inputs of score jobs


def acoustics_of(property_name):
    """The file of the acoustic measure that a property compares with."""
    return []


def targets_of(property_name, sample):
    """The file of what was looked up for a property."""
    return []

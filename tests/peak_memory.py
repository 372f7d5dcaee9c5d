"""Peak memory of the program that a test starts."""

PEAK_MEMORY = '''
def peak_memory():
    """Return the peak memory of this program in MB.

    On Linux, ru_maxrss would include the memory of the program that started this one.
    """
    import pathlib, re, resource

    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(re.search("VmHWM: *\\t* *([0-9]+) kB", status.read_text())[1]) / 1024
'''
"""Source of a function, for the beginning of a script."""

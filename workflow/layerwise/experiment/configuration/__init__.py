"""What a configuration may say, a file a section; `experiment` reads a whole one."""

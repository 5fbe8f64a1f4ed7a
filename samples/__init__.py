"""A synthetic day at one office: the tool that draws it, and its committed output in day/."""

"""What no single setting can see: settings that contradict each other, or that can't work together.

A module a section of the file, each with one rule a function. A rule looks at the whole settings and adds what it finds
to one collector (`findings.Findings`); what is wrong with one setting alone is told by its model.
"""

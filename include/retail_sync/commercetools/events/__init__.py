"""The subscription of a project, and the notifications that it sends."""

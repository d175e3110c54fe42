"""The package against software that no one here wrote, so that a mistake our stand-ins share with us shows.

commercetools is played by the npm package `@labdigital/commercetools-mock` 4.4.0 behind the server that the
project's shared tools hold. Where it is known to differ from the real service, the place that allows for it says so.
"""

"""All targets, by name."""

from . import architectures, descriptions

TARGETS = {
    target.name: target
    for module in (architectures, descriptions)
    for target in module.TARGETS
}

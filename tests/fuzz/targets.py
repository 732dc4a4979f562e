"""All targets, by name."""

from . import architectures, descriptions, weights

TARGETS = {
    target.name: target
    for module in (architectures, descriptions, weights)
    for target in module.TARGETS
}

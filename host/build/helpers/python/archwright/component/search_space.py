"""Search spaces as components: `declared` says the name, version and description of the plugin's manifest."""

from .. import model, plugin
from . import convert, guard


class Definition:
    """A space with its options."""

    @classmethod
    @guard.guarded
    def open(cls, options):
        space = convert.plugin_of(plugin.SearchSpace)
        definition = cls()
        definition._space = space(convert.options(space, options))
        return definition

    @guard.infallible
    def decisions(self):
        return [convert.to_decision(one) for one in self._space.decisions()]

    @guard.guarded
    def build(self, values, context):
        context = model.Context(tuple(context.input), context.classes, context.width_share, context.depth_share)
        return convert.to_network(self._space.build(convert.from_values(values), context))

    @guard.guarded
    def recipe(self, values):
        recipe = self._space.recipe(convert.from_values(values))
        return [convert.to_attribute(name, value) for name, value in recipe.items()]


def interface(declared):
    """The exported interface."""

    class SearchSpace:
        @guard.infallible
        def describe(self):
            return convert.description(convert.plugin_of(plugin.SearchSpace), **declared)

    guard.furnish()
    return SearchSpace

"""A search strategy: evolution in which the oldest die (Real et al. 2019).

The host asks for architectures (`ask`), has them estimated, and tells what came of them (`tell`). Make it your own:
change how parents are chosen, how children come about, who dies, or all of it.
"""

import archwright
from archwright import Archive, Population, Rng, Strategy, export, option


class Options(archwright.Options):
    """What users may set, as `archwright plugin inspect` shows it; the host checks what they give."""

    population = option.integer(
        16, minimum=1, maximum=10_000, doc="Architectures alive at once; so many random ones come first."
    )
    tournament = option.integer(
        4, minimum=1, maximum=10_000, doc="Members drawn for a tournament, whose best becomes a parent."
    )


@export
class Evolution(Strategy):
    """Evolution in which the oldest die (Real et al. 2019)"""

    references = ["arXiv:1802.01548"]
    Options = Options

    def __init__(self, setup, options, space):
        self.options = options
        self.space = space
        # The seed is all the randomness there is: the same calls give the same answers.
        self.rng = Rng(setup.seed)
        self.archive = Archive(setup.objectives)
        self.population = Population(self.archive.objective)

    def ask(self, capacity):
        """At most `capacity` architectures: random ones until enough live, then children of a tournament's winner."""
        return [self.query() for _ in range(capacity)]

    def query(self):
        seed = self.rng.next_u64()
        if len(self.population) < self.options.population:
            return self.archive.query(self.space.sample(seed))
        parent = self.population.tournament(self.options.tournament, self.rng)
        return self.archive.query(self.space.mutate(parent.architecture, seed), parent.query)

    def tell(self, observations):
        """What was estimated joins the population, and the oldest die for it. What failed joins nobody."""
        self.population.extend(self.archive.estimated(observations))
        self.population.keep_youngest(self.options.population)

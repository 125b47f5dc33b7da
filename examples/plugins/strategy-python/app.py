"""Regularized evolution: tournaments choose parents, mutation makes children, and the oldest dies, not the worst."""

import archwright
from archwright import Archive, InvalidOptions, Population, Rng, Strategy, export, log, option


class Options(archwright.Options):
    """Options of regularized evolution."""

    population_size = option.integer(100, minimum=1, maximum=100_000, doc="Architectures alive at once.")
    sample_size = option.integer(25, minimum=1, maximum=100_000, doc="Members drawn for a tournament.")
    crossover_probability = option.real(0.0, minimum=0.0, maximum=1.0, doc="Probability that a child has two parents.")


@export
class RegularizedEvolution(Strategy):
    """Tournament selection, mutation, and death of the oldest (Real et al. 2019)"""

    references = ["arXiv:1802.01548"]
    Options = Options

    def __init__(self, setup, options, space):
        size, sample = options.population_size, options.sample_size
        if sample > size:
            raise InvalidOptions(f"`sample_size` is {sample}, more than the `population_size` of {size}")
        if setup.max_queries is not None and setup.max_queries <= size:
            log("warn", f"the budget is spent on the {size} random architectures of the first population")
        self.options = options
        self.space = space
        self.rng = Rng(setup.seed)
        self.archive = Archive(setup.objectives)
        self.population = Population(self.archive.objective)

    def ask(self, capacity):
        return [self.query() for _ in range(capacity)]

    def tell(self, observations):
        for member in self.archive.estimated(observations):
            self.population.add(member)
            self.population.keep_youngest(self.options.population_size)

    def query(self):
        """A founder while the first population is incomplete, or nobody lives; otherwise a child."""
        if self.archive.asked < self.options.population_size or not self.population:
            return self.archive.query(self.space.sample(self.rng.next_u64()))
        parent = self.parent()
        child = parent.architecture
        if self.rng.uniform() < self.options.crossover_probability:
            child = self.space.crossover(child, self.parent().architecture, self.rng.next_u64())
        return self.archive.query(self.space.mutate(child, self.rng.next_u64()), parent.query)

    def parent(self):
        return self.population.tournament(self.options.sample_size, self.rng)

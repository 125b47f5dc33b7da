//! Every check there is: `docs/conformance.md` says of each what it means and how to mend it.

use super::report::Group;
use crate::Kind;

/// A check, before it is made.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// The kinds of plugin that it is made of.
    pub kinds: &'static [Kind],
    /// What holds where it passes.
    pub statement: &'static str,
}

const fn entry(group: Group, kinds: &'static [Kind], id: &'static str, statement: &'static str) -> Entry {
    Entry { id, group, kinds, statement }
}

const ALL: &[Kind] = &[Kind::Strategy, Kind::Estimator, Kind::SearchSpace];
const STRATEGY: &[Kind] = &[Kind::Strategy];
const ESTIMATOR: &[Kind] = &[Kind::Estimator];
const SPACE: &[Kind] = &[Kind::SearchSpace];
const IN_SPACES: &[Kind] = &[Kind::Strategy, Kind::Estimator];

/// All checks, group by group.
pub const CATALOGUE: &[Entry] = {
    use Group::{Claims, Describe, Deterministic, Estimator, File, Resources, SearchSpace, Spaces, Strategy};
    &[
        entry(File, ALL, "component", "is a WebAssembly component"),
        entry(File, ALL, "one-kind", "exports one kind of plugin"),
        entry(File, ALL, "contract-version", "is built for a contract that this host has"),
        entry(File, ALL, "imports", "imports nothing but the contract"),
        entry(File, ALL, "size", "is no larger than a component may be"),
        entry(File, ALL, "compiles", "compiles and fits the contract"),
        entry(File, ALL, "wishes", "says in due form what limits it wishes for"),
        entry(Describe, ALL, "describes-itself", "describes itself in due form"),
        entry(Describe, ALL, "same-description", "describes itself the same way every time"),
        entry(Describe, ALL, "refuses-unknown-options", "refuses options that it does not have"),
        entry(Describe, ALL, "accepts-options", "opens with its default options, or those it is checked with"),
        entry(Describe, ALL, "option-bounds", "opens at the bounds that its options declare"),
        entry(Describe, ALL, "outside-bounds", "refuses options outside of their bounds"),
        entry(Describe, ALL, "options-documented", "says what each option means"),
        entry(Describe, ALL, "references", "says where its method comes from"),
        entry(Spaces, IN_SPACES, "space-categorical", "copes with labels, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-ordinal", "copes with ordered numbers, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-integer", "copes with integers, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-real", "copes with reals, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-log-scale", "copes with log scales, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-mixed", "copes with decisions of every kind, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-conditional", "copes with nested conditions, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-one-decision", "copes with a single decision, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-one-point", "copes with a space of one point, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-empty", "copes with a space without decisions, or declines in due form"),
        entry(Spaces, IN_SPACES, "space-large", "copes with a space of 240 decisions, or declines in due form"),
        entry(Spaces, IN_SPACES, "works-somewhere", "works in one of the test spaces"),
        entry(Strategy, STRATEGY, "searches", "asks for points of the space, and recommends some"),
        entry(Strategy, STRATEGY, "keeps-capacity", "asks for no more than it may, be it 1, 3, 16 or 64"),
        entry(Strategy, STRATEGY, "seed", "takes the seed that it is given"),
        entry(Strategy, STRATEGY, "uses-observations", "is led by what it is told"),
        entry(Strategy, STRATEGY, "regards-goal", "tells minimizing from maximizing"),
        entry(Strategy, STRATEGY, "minimizes", "minimizes, or declines in due form"),
        entry(Strategy, STRATEGY, "two-objectives", "works with two objectives, or declines in due form"),
        entry(Strategy, STRATEGY, "failed-queries", "goes on after failed queries"),
        entry(Strategy, STRATEGY, "all-queries-fail", "survives that all queries fail"),
        entry(Strategy, STRATEGY, "constant-values", "survives that all values are the same"),
        entry(Strategy, STRATEGY, "huge-values", "survives values up to 1e300"),
        entry(Strategy, STRATEGY, "tiny-values", "survives values down to 1e-300"),
        entry(Strategy, STRATEGY, "negative-values", "takes negative values"),
        entry(Strategy, STRATEGY, "bare-observations", "makes do with observations without curve or cost"),
        entry(Strategy, STRATEGY, "uncertain-observations", "takes observations with uncertainty"),
        entry(Strategy, STRATEGY, "lower-fidelity-told", "takes observations of a lower fidelity than it asked for"),
        entry(Strategy, STRATEGY, "told-out-of-order", "takes observations in any order"),
        entry(Strategy, STRATEGY, "told-late", "goes on while an observation is very late"),
        entry(Strategy, STRATEGY, "told-at-once", "takes several observations at once"),
        entry(Strategy, STRATEGY, "no-budget-known", "searches without knowing how many queries there are"),
        entry(Strategy, STRATEGY, "budget-of-one", "searches where there is one query only"),
        entry(Strategy, STRATEGY, "recommends-any-time", "recommends points whenever it is asked"),
        entry(Strategy, STRATEGY, "stays-finished", "stays finished once it is"),
        entry(Estimator, ESTIMATOR, "estimates", "estimates architectures"),
        entry(Estimator, ESTIMATOR, "keeps-jobs-apart", "gives a job the same estimate whatever other jobs there are"),
        entry(Estimator, ESTIMATOR, "outcomes-out-of-order", "takes outcomes of many jobs in any order"),
        entry(Estimator, ESTIMATOR, "failed-actions", "ends jobs whose actions fail"),
        entry(Estimator, ESTIMATOR, "nan-outcomes", "ends jobs whose training diverged to NaN"),
        entry(Estimator, ESTIMATOR, "fidelity-bounds", "takes queries of any fidelity from 0.001 to 1"),
        entry(Estimator, ESTIMATOR, "curve-order", "gives curves whose fidelities rise up to the estimate's"),
        entry(Estimator, ESTIMATOR, "nothing-offered", "declines in due form where the host offers nothing"),
        entry(Estimator, ESTIMATOR, "two-goals", "gives as many objectives as it is asked for"),
        entry(SearchSpace, SPACE, "opens", "opens and has decisions"),
        entry(SearchSpace, SPACE, "same-decisions", "has the same decisions every time"),
        entry(SearchSpace, SPACE, "sound-decisions", "has decisions that make sense"),
        entry(SearchSpace, SPACE, "builds-points", "builds a sound network of random points"),
        entry(SearchSpace, SPACE, "builds-every-value", "builds a sound network of every value of every decision"),
        entry(SearchSpace, SPACE, "recipes", "gives a recipe of every point"),
        entry(SearchSpace, SPACE, "shares", "builds narrower and shallower networks, or declines in due form"),
        entry(SearchSpace, SPACE, "inputs", "builds for other inputs and classes, or declines in due form"),
        entry(Deterministic, ALL, "repeats-in-one-process", "repeats itself in the same process"),
        entry(Deterministic, IN_SPACES, "instances-apart", "is not moved by another instance beside it"),
        entry(Deterministic, STRATEGY, "searches-apart", "repeats itself in an instance that searched before"),
        entry(Deterministic, ALL, "repeats-in-another-process", "repeats itself in another process"),
        entry(
            Deterministic,
            STRATEGY,
            "repeats-recorded-calls",
            "gives the same answers, for the same fuel, to recorded calls",
        ),
        entry(Resources, IN_SPACES, "fuel-per-call", "keeps well within the fuel of a call"),
        entry(Resources, ALL, "memory", "keeps well within its memory"),
        entry(Resources, STRATEGY, "growth", "stays within its limits over 10,000 observations"),
        entry(Resources, IN_SPACES, "log-volume", "logs no more than is kept"),
        entry(Claims, ALL, "known-claims", "needs and gives what this host has names for"),
        entry(Claims, STRATEGY, "relaxations-claimed", "needs `gradients` where it asks about relaxations"),
        entry(Claims, STRATEGY, "purposes-claimed", "needs `shared-weights` where it trains or probes them"),
        entry(Claims, STRATEGY, "fidelity-claimed", "needs `fidelity` where it asks for less than a full training"),
        entry(Claims, STRATEGY, "needs-used", "uses what it says it cannot do without"),
        entry(Claims, ESTIMATOR, "gives-gradients", "gives the gradients that it says it gives"),
        entry(Claims, ESTIMATOR, "gives-fidelity", "gives estimates of lower fidelity, as it says"),
        entry(Claims, ESTIMATOR, "gives-shared-weights", "trains and probes shared weights, as it says"),
        entry(Claims, ESTIMATOR, "gives-curve", "gives the curves that it says it gives"),
        entry(Claims, ESTIMATOR, "gives-uncertainty", "gives the uncertainty that it says it gives"),
    ]
};

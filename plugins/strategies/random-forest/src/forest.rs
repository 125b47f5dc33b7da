//! Regression forests that say how sure they are (Breiman 2001; Hutter, Hoos & Leyton-Brown 2011, section 4.1).

use archwright_sdk::Rng;

/// What a feature's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Larger ones are more: splits are at a threshold.
    Ordered,
    /// Labels from 0, so many: splits are into any two sets.
    Labels(u32),
}

/// How forests grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) trees: usize,
    /// Share of the features that a split looks at, in (0, 1].
    pub(crate) features: f64,
    /// Fewest examples of a node that is split.
    pub(crate) split: usize,
}

/// Where an example goes left.
#[derive(Clone, Debug, PartialEq)]
enum Split {
    /// Where the feature is below this.
    Below(f64),
    /// Where its label is one of these. Labels that no example of the node had go either way, by a coin that was tossed in
    /// training.
    Among(Vec<bool>),
}

#[derive(Clone, Debug)]
enum Node {
    Inner {
        feature: usize,
        split: Split,
        left: usize,
        right: usize,
    },
    /// The mean cost.
    Leaf(f64),
}

/// Trees, each grown from its own draw of the examples.
pub(crate) struct Forest {
    trees: Vec<Vec<Node>>,
}

/// A possible split and the squared errors that it leaves.
struct Candidate {
    error: f64,
    feature: usize,
    split: Split,
}

impl Forest {
    /// Grows a forest. There has to be an example; rows have a number for each kind.
    pub(crate) fn grow(rows: &[Vec<f64>], costs: &[f64], kinds: &[Kind], settings: &Settings, rng: &mut Rng) -> Self {
        let tree = |_| {
            // With replacement, as many as there are.
            let mut drawn: Vec<usize> = (0..rows.len()).map(|_| rng.below(rows.len())).collect();
            let mut tree = Tree { rows, costs, kinds, settings, nodes: Vec::new() };
            tree.node(&mut drawn, rng);
            tree.nodes
        };
        Self { trees: (0..settings.trees).map(tree).collect() }
    }

    /// Mean and variance of what the trees say of the cost at `row` (section 4.1).
    pub(crate) fn predict(&self, row: &[f64]) -> (f64, f64) {
        let means: Vec<f64> = self.trees.iter().map(|tree| leaf(tree, row)).collect();
        let count = means.len().max(1) as f64;
        let mean = means.iter().sum::<f64>() / count;
        (mean, means.iter().map(|its| (its - mean).powi(2)).sum::<f64>() / count)
    }
}

fn leaf(tree: &[Node], row: &[f64]) -> f64 {
    let mut at = 0;
    loop {
        match &tree[at] {
            Node::Leaf(mean) => return *mean,
            Node::Inner { feature, split, left, right } => {
                at = if goes_left(split, row[*feature]) { *left } else { *right };
            }
        }
    }
}

fn goes_left(split: &Split, value: f64) -> bool {
    match split {
        Split::Below(threshold) => value < *threshold,
        Split::Among(left) => left.get(value as usize).copied().unwrap_or(false),
    }
}

struct Tree<'a> {
    rows: &'a [Vec<f64>],
    costs: &'a [f64],
    kinds: &'a [Kind],
    settings: &'a Settings,
    nodes: Vec<Node>,
}

impl Tree<'_> {
    /// Grows a node of these examples, and what is below it; gives its number. As deep as there are examples at most, and in
    /// practice as deep as their logarithm.
    fn node(&mut self, examples: &mut [usize], rng: &mut Rng) -> usize {
        let number = self.nodes.len();
        let count = examples.len() as f64;
        let mean = examples.iter().map(|example| self.costs[*example]).sum::<f64>() / count;
        let variance = examples.iter().map(|example| (self.costs[*example] - mean).powi(2)).sum::<f64>() / count;
        self.nodes.push(Node::Leaf(mean));
        if examples.len() < self.settings.split || variance <= 1e-14 {
            return number;
        }
        let Some(Candidate { feature, split, .. }) = self.best_split(examples, rng) else { return number };
        // Those that go left first, without a list of their own.
        let mut middle = 0;
        for place in 0..examples.len() {
            if goes_left(&split, self.rows[examples[place]][feature]) {
                examples.swap(place, middle);
                middle += 1;
            }
        }
        if middle == 0 || middle == examples.len() {
            // A threshold that rounding has put on a value.
            return number;
        }
        let (left, right) = examples.split_at_mut(middle);
        let left = self.node(left, rng);
        let right = self.node(right, rng);
        self.nodes[number] = Node::Inner { feature, split, left, right };
        number
    }

    /// The best split by a random share of the features; by more where those do not tell the examples apart.
    fn best_split(&self, examples: &[usize], rng: &mut Rng) -> Option<Candidate> {
        let mut features: Vec<usize> = (0..self.kinds.len()).collect();
        rng.shuffle(&mut features);
        let wanted = ((self.kinds.len() as f64 * self.settings.features).ceil() as usize).max(1);
        let mut best: Option<Candidate> = None;
        for (looked, feature) in features.into_iter().enumerate() {
            if looked >= wanted && best.is_some() {
                break;
            }
            let candidate = match self.kinds[feature] {
                Kind::Ordered => self.threshold(examples, feature, rng),
                Kind::Labels(count) => self.sets(examples, feature, count as usize, rng),
            };
            if let Some(candidate) = candidate
                && best.as_ref().is_none_or(|best| candidate.error < best.error)
            {
                best = Some(candidate);
            }
        }
        best
    }

    /// The best threshold of a feature, uniform between the values on both sides (Hutter et al. 2014, arXiv:1211.0906, section
    /// 4.3.2).
    fn threshold(&self, examples: &[usize], feature: usize, rng: &mut Rng) -> Option<Candidate> {
        let mut pairs: Vec<(f64, f64)> =
            examples.iter().map(|example| (self.rows[*example][feature], self.costs[*example])).collect();
        pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
        let groups: Vec<(f64, f64)> = pairs.iter().map(|(_, cost)| (1.0, *cost)).collect();
        let cuts = |at: usize| pairs[at - 1].0 < pairs[at].0;
        let (at, error) = best_cut(&groups, self.squares(examples), cuts)?;
        let (low, high) = (pairs[at - 1].0, pairs[at].0);
        // In (low, high]: what is below goes left.
        let threshold = (high - rng.uniform() * (high - low)).clamp(low, high);
        let threshold = if threshold > low { threshold } else { high };
        Some(Candidate { error, feature, split: Split::Below(threshold) })
    }

    /// The best two sets of labels: of labels in the order of their mean costs, one of the cuts is (Breiman et al. 1984,
    /// section 4.2.2).
    fn sets(&self, examples: &[usize], feature: usize, count: usize, rng: &mut Rng) -> Option<Candidate> {
        let mut sums = vec![(0.0, 0.0); count];
        for example in examples {
            if let Some(sum) = sums.get_mut(self.rows[*example][feature] as usize) {
                sum.0 += 1.0;
                sum.1 += self.costs[*example];
            }
        }
        let mut labels: Vec<usize> = (0..count).filter(|label| sums[*label].0 > 0.0).collect();
        let mean = |label: &usize| sums[*label].1 / sums[*label].0;
        labels.sort_by(|left, right| mean(left).total_cmp(&mean(right)).then(left.cmp(right)));
        let groups: Vec<(f64, f64)> = labels.iter().map(|label| sums[*label]).collect();
        let (at, error) = best_cut(&groups, self.squares(examples), |_| true)?;
        let mut left: Vec<bool> = sums.iter().map(|(count, _)| *count == 0.0 && rng.below(2) == 0).collect();
        labels[..at].iter().for_each(|label| left[*label] = true);
        Some(Candidate { error, feature, split: Split::Among(left) })
    }

    fn squares(&self, examples: &[usize]) -> f64 {
        examples.iter().map(|example| self.costs[*example].powi(2)).sum()
    }
}

/// Where to cut a list of groups (count and sum of costs), at least one on each side, so that the squared errors around the means
/// of both sides are smallest; and those errors.
fn best_cut(groups: &[(f64, f64)], squares: f64, cuts: impl Fn(usize) -> bool) -> Option<(usize, f64)> {
    let total = groups.iter().fold((0.0, 0.0), |total, group| (total.0 + group.0, total.1 + group.1));
    let mut left = (0.0, 0.0);
    let mut best: Option<(usize, f64)> = None;
    for at in 1..groups.len() {
        left = (left.0 + groups[at - 1].0, left.1 + groups[at - 1].1);
        if !cuts(at) {
            continue;
        }
        let right = (total.0 - left.0, total.1 - left.1);
        let error = squares - left.1 * left.1 / left.0 - right.1 * right.1 / right.0;
        if best.is_none_or(|(_, least)| error < least) {
            best = Some((at, error));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(count: usize, kinds: &[Kind], rng: &mut Rng) -> Vec<Vec<f64>> {
        let value = |kind: &Kind, rng: &mut Rng| match kind {
            Kind::Ordered => rng.below(6) as f64 / 5.0,
            Kind::Labels(count) => rng.below(*count as usize) as f64,
        };
        (0..count).map(|_| kinds.iter().map(|kind| value(kind, rng)).collect()).collect()
    }

    fn error(costs: &[f64]) -> f64 {
        let mean = costs.iter().sum::<f64>() / costs.len().max(1) as f64;
        costs.iter().map(|cost| (cost - mean).powi(2)).sum()
    }

    #[test]
    fn splits_are_the_best_of_all() {
        let kinds = [Kind::Ordered, Kind::Labels(5), Kind::Ordered, Kind::Labels(2)];
        let settings = Settings { trees: 1, features: 1.0, split: 2 };
        for seed in 0..30 {
            let mut rng = Rng::new(seed);
            let rows = examples(12, &kinds, &mut rng);
            let costs: Vec<f64> = (0..12).map(|_| rng.uniform()).collect();
            // By trying all: thresholds between any two values, and any set of labels.
            let mut least = f64::INFINITY;
            for (feature, kind) in kinds.iter().enumerate() {
                let splits: Vec<Split> = match kind {
                    Kind::Ordered => (1..6).map(|at| Split::Below(f64::from(at) / 5.0 - 0.1)).collect(),
                    Kind::Labels(count) => (0..1_u32 << count)
                        .map(|bits| Split::Among((0..*count).map(|bit| bits >> bit & 1 == 1).collect()))
                        .collect(),
                };
                for split in splits {
                    let (left, right): (Vec<usize>, Vec<usize>) =
                        (0..12).partition(|example| goes_left(&split, rows[*example][feature]));
                    let costs = |side: &[usize]| side.iter().map(|example| costs[*example]).collect::<Vec<_>>();
                    if !left.is_empty() && !right.is_empty() {
                        least = least.min(error(&costs(&left)) + error(&costs(&right)));
                    }
                }
            }
            let tree = Tree { rows: &rows, costs: &costs, kinds: &kinds, settings: &settings, nodes: Vec::new() };
            let found = tree.best_split(&(0..12).collect::<Vec<_>>(), &mut rng).unwrap();
            assert!((found.error - least).abs() < 1e-9, "{} of feature {}, not {least}", found.error, found.feature);
        }
    }

    #[test]
    fn predictions_are_the_mean_and_variance_of_trees() {
        let trees = [1.0, 2.0, 6.0].map(|mean| vec![Node::Leaf(mean)]).into();
        let (mean, variance) = Forest { trees }.predict(&[]);
        assert_eq!(mean, 3.0);
        assert!((variance - (4.0 + 1.0 + 9.0) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn learns_what_a_line_cannot() {
        let kinds = [Kind::Labels(4), Kind::Ordered, Kind::Ordered];
        let mut rng = Rng::new(1);
        let cost = |row: &Vec<f64>| if row[0] == 1.0 || row[0] == 3.0 { row[1] } else { 1.0 - row[1] };
        let rows = examples(300, &kinds, &mut rng);
        let costs: Vec<f64> = rows.iter().map(cost).collect();
        let settings = Settings { trees: 10, features: 5.0 / 6.0, split: 3 };
        let forest = Forest::grow(&rows, &costs, &kinds, &settings, &mut rng);
        let fresh = examples(200, &kinds, &mut rng);
        let wrong = fresh.iter().map(|row| (forest.predict(row).0 - cost(row)).abs()).sum::<f64>() / 200.0;
        // Around the mean it would be 0.3.
        assert!(wrong < 0.03, "{wrong}");
        assert!(fresh.iter().all(|row| forest.predict(row).1 >= 0.0));
    }

    #[test]
    fn examples_that_are_alike_make_a_leaf() {
        let settings = Settings { trees: 3, features: 1.0, split: 2 };
        let forest =
            Forest::grow(&vec![vec![0.5]; 4], &[1.0, 2.0, 3.0, 4.0], &[Kind::Ordered], &settings, &mut Rng::new(0));
        assert!(forest.trees.iter().all(|tree| tree.len() == 1));
        let forest = Forest::grow(&[vec![]], &[2.0], &[], &settings, &mut Rng::new(0));
        assert_eq!(forest.predict(&[]), (2.0, 0.0));
    }
}

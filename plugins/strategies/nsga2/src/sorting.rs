//! Who dominates whom, and how crowded it is (Deb et al. 2002, sections III-A and III-B). All costs are to be small.

/// Whether costs `left` dominate `right`: nowhere larger, somewhere smaller.
pub(crate) fn dominates(left: &[f64], right: &[f64]) -> bool {
    let mut smaller = false;
    for (left, right) in left.iter().zip(right) {
        if left > right {
            return false;
        }
        smaller |= left < right;
    }
    smaller
}

/// The fronts, the best first: indices of costs that none of the same or a later front dominates (section III-A). Within a
/// front, indices increase.
pub(crate) fn fronts(costs: &[Vec<f64>]) -> Vec<Vec<usize>> {
    // For each, how many dominate it, and whom it dominates.
    let mut above = vec![0_usize; costs.len()];
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); costs.len()];
    for left in 0..costs.len() {
        for right in left + 1..costs.len() {
            if dominates(&costs[left], &costs[right]) {
                below[left].push(right);
                above[right] += 1;
            } else if dominates(&costs[right], &costs[left]) {
                below[right].push(left);
                above[left] += 1;
            }
        }
    }
    let mut fronts = Vec::new();
    let mut front: Vec<usize> = (0..costs.len()).filter(|index| above[*index] == 0).collect();
    while !front.is_empty() {
        let mut next = Vec::new();
        for worse in front.iter().flat_map(|index| &below[*index]) {
            above[*worse] -= 1;
            if above[*worse] == 0 {
                next.push(*worse);
            }
        }
        next.sort_unstable();
        fronts.push(std::mem::replace(&mut front, next));
    }
    fronts
}

/// For each of a front its crowding distance: the sum over objectives of how far its two neighbours are apart, as a share of
/// the front's range; infinite at both ends (section III-B).
pub(crate) fn crowding(costs: &[Vec<f64>], front: &[usize]) -> Vec<f64> {
    let mut distances = vec![0.0; front.len()];
    let objectives = front.first().map_or(0, |index| costs[*index].len());
    let columns = (0..objectives).map(|objective| front.iter().map(|index| costs[*index][objective]).collect());
    columns.for_each(|column: Vec<f64>| spread(&column, &mut distances));
    distances
}

/// Adds the distances along one objective.
fn spread(costs: &[f64], distances: &mut [f64]) {
    let mut places: Vec<usize> = (0..costs.len()).collect();
    places.sort_by(|left, right| costs[*left].total_cmp(&costs[*right]));
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
    // Halves, since the range of finite numbers need not be finite.
    let range = costs[*last] / 2.0 - costs[*first] / 2.0;
    if range <= 0.0 {
        // All alike: none is at an end.
        return;
    }
    distances[*first] = f64::INFINITY;
    distances[*last] = f64::INFINITY;
    for three in places.windows(3) {
        distances[three[1]] += (costs[three[2]] / 2.0 - costs[three[0]] / 2.0) / range;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition: what nothing that is left dominates is the next front.
    fn peeled(costs: &[Vec<f64>]) -> Vec<Vec<usize>> {
        let mut left: Vec<usize> = (0..costs.len()).collect();
        let mut fronts = Vec::new();
        while !left.is_empty() {
            let beaten = |index: usize| {
                left.iter().any(|other| {
                    let pairs = || costs[*other].iter().zip(&costs[index]);
                    pairs().all(|(other, it)| other <= it) && pairs().any(|(other, it)| other < it)
                })
            };
            let front: Vec<usize> = left.iter().copied().filter(|index| !beaten(*index)).collect();
            left.retain(|index| !front.contains(index));
            fronts.push(front);
        }
        fronts
    }

    proptest! {
        #[test]
        fn fronts_are_what_peeling_gives(
            costs in (1_usize..5).prop_flat_map(|objectives| {
                // Few different values, so that there are equals.
                let cost = (-4_i8..4).prop_map(f64::from);
                prop::collection::vec(prop::collection::vec(cost, objectives), 0..40)
            })
        ) {
            prop_assert_eq!(fronts(&costs), peeled(&costs));
        }

        #[test]
        fn crowding_is_never_nan(costs in prop::collection::vec(prop::collection::vec(any::<f64>(), 2), 0..20)) {
            let costs: Vec<Vec<f64>> =
                costs.into_iter().filter(|costs| costs.iter().all(|cost| cost.is_finite())).collect();
            let all: Vec<usize> = (0..costs.len()).collect();
            prop_assert!(crowding(&costs, &all).iter().all(|distance| !distance.is_nan() && *distance >= 0.0));
        }
    }

    #[test]
    fn crowding_adds_shares_of_the_range() {
        let costs = vec![vec![0.0, 10.0], vec![1.0, 4.0], vec![4.0, 0.0], vec![2.0, 2.0]];
        let distances = crowding(&costs, &[0, 1, 2, 3]);
        assert_eq!(distances[0], f64::INFINITY);
        assert_eq!(distances[2], f64::INFINITY);
        assert!((distances[1] - (2.0 / 4.0 + 8.0 / 10.0)).abs() < 1e-12);
        assert!((distances[3] - (3.0 / 4.0 + 4.0 / 10.0)).abs() < 1e-12);
    }

    #[test]
    fn equals_are_not_at_an_end() {
        assert_eq!(crowding(&[vec![1.0, 2.0], vec![1.0, 2.0]], &[0, 1]), [0.0, 0.0]);
        assert!(crowding(&[], &[]).is_empty());
    }
}

//! Who dominates whom, and how crowded it is (Deb et al. 2002, sections III-A and III-B). All costs are to be small.

/// Whether costs `left` dominate `right`: nowhere larger, somewhere smaller.
pub fn dominates(left: &[f64], right: &[f64]) -> bool {
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
pub fn fronts(costs: &[Vec<f64>]) -> Vec<Vec<usize>> {
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
pub fn crowding(costs: &[Vec<f64>], front: &[usize]) -> Vec<f64> {
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

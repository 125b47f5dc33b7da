//! Architectures as features that are mostly 0.

use std::collections::BTreeMap;

use archwright_sdk::Encoding;
use archwright_sdk::prelude::*;

use crate::network::Features;

/// The encoding wanted where the space has it, else the one-hot encoding, which every space has.
pub(crate) fn available(wanted: crate::Features, space: &Space) -> Encoding {
    let wanted = match wanted {
        crate::Features::Path => Encoding::Path,
        crate::Features::Adjacency => Encoding::Adjacency,
        crate::Features::OneHot => return Encoding::OneHot,
    };
    match space.encode(&space.sample(0), wanted) {
        Ok(_) => wanted,
        Err(reason) => {
            log(LogLevel::Info, &format!("architectures are encoded one-hot: {reason}"));
            Encoding::OneHot
        }
    }
}

/// An architecture's features.
pub(crate) fn features(architecture: &Architecture, encoding: Encoding, space: &Space) -> Result<Features, Error> {
    let all = space.encode(architecture, encoding)?;
    Ok(all
        .iter()
        .enumerate()
        .filter(|(_, value)| **value != 0.0)
        .map(|(index, value)| (index, f64::from(*value)))
        .collect())
}

/// The features that most of these have, renumbered: which number each has now.
///
/// The paper cuts the path encoding off, at its longest and rarest paths (its "truncated path encoding"). Which are rare
/// is counted here, since it differs from space to space.
pub(crate) fn frequent(rows: &[&Features], limit: usize) -> BTreeMap<usize, usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, _) in rows.iter().copied().flatten() {
        *counts.entry(*index).or_default() += 1;
    }
    let mut order: Vec<(usize, usize)> = counts.into_iter().collect();
    // Among equals the smaller index: the shorter path.
    order.sort_by_key(|(index, count)| (std::cmp::Reverse(*count), *index));
    order.truncate(limit);
    order.into_iter().enumerate().map(|(number, (index, _))| (index, number)).collect()
}

/// Features by their new numbers.
pub(crate) fn renumbered(row: &Features, numbers: &BTreeMap<usize, usize>) -> Features {
    row.iter().filter_map(|(index, value)| Some((*numbers.get(index)?, *value))).collect()
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::bundled_space;

    use super::*;

    #[test]
    fn spaces_without_paths_are_encoded_one_hot() {
        let encoding = |name: &str| available(crate::Features::Path, &bundled_space(name));
        assert_eq!(encoding("nas-bench-201"), Encoding::Path);
        assert_eq!(encoding("residual"), Encoding::OneHot);
    }

    #[test]
    fn the_most_frequent_features_are_kept() {
        let rows = [vec![(3, 1.0), (7, 1.0)], vec![(7, 1.0), (9, 1.0)], vec![(7, 0.5), (9, 1.0), (1, 1.0)]];
        let numbers = frequent(&rows.iter().collect::<Vec<_>>(), 3);
        assert_eq!(numbers, BTreeMap::from([(7, 0), (9, 1), (1, 2)]));
        assert_eq!(renumbered(&rows[0], &numbers), [(0, 1.0)]);
        assert_eq!(renumbered(&rows[2], &numbers), [(0, 0.5), (1, 1.0), (2, 1.0)]);
    }

    #[test]
    fn only_what_is_not_zero_is_a_feature() {
        let space = bundled_space("nas-bench-201");
        let row = features(&space.sample(0), Encoding::OneHot, &space).unwrap();
        assert_eq!(row.len(), 6);
        assert!(row.iter().all(|(index, value)| *index < 30 && *value == 1.0));
    }
}

//! How many architectures each rung has, and what is spent on each.

use archwright_sdk::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rungs of a bracket, the cheapest and largest first. Never empty.
pub type Plan = Vec<Rung>;

/// A rung of a bracket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Architectures on it, at least 1.
    pub size: u64,
    /// Share of the full training budget for each, in (0, 1].
    pub fidelity: f64,
}

/// How many architectures a bracket of Hyperband begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// A multiple of eta^s, floor((s_max + 1) / (s + 1)), so that every rung divides evenly.
    Even,
    /// As much as the bracket can afford, ceil((s_max + 1) eta^s / (s + 1)).
    RoundedUp,
}

/// How often `resource` can be multiplied by `eta` without exceeding `max_resource`.
///
/// # Errors
/// Where `eta` is below 2, or the resources are not 1 or more in rising order.
pub fn steps(max_resource: u64, resource: u64, eta: u64) -> Result<u32, Error> {
    if eta < 2 {
        return Err(Error::InvalidOptions("`eta` has to be at least 2".into()));
    }
    if resource == 0 || resource > max_resource {
        return Err(Error::InvalidOptions(format!(
            "the smallest resource has to be at least 1 and at most `max_resource`: {resource} is not in 1 to {max_resource}"
        )));
    }
    Ok((max_resource / resource).ilog(eta))
}

/// Successive halving of `size` architectures (Jamieson & Talwalkar 2016) on `steps` + 1 rungs: each has a share of `1/eta` of
/// the one before it, rounded down, but one at least; the last one is at full fidelity.
pub fn halvings(size: u64, steps: u32, eta: u64) -> Plan {
    let rung = |place: u32| Rung {
        size: eta.checked_pow(place).map_or(0, |divisor| size / divisor).max(1),
        fidelity: (eta as f64).powi(-((steps - place) as i32)),
    };
    (0..=steps).map(rung).collect()
}

/// The brackets of Hyperband (Li et al. 2018, section 3), the most explorative first: with 81 and 3 those of its table 1.
///
/// # Errors
/// As [`steps`].
pub fn hyperband(max_resource: u64, eta: u64, sizes: Sizes) -> Result<Vec<Plan>, Error> {
    let most = steps(max_resource, 1, eta)?;
    let bracket = |steps: u32| {
        // At most `max_resource`.
        let halved = eta.pow(steps);
        let (all, own) = (u64::from(most) + 1, u64::from(steps) + 1);
        let size = match sizes {
            Sizes::Even => all / own * halved,
            Sizes::RoundedUp => all.saturating_mul(halved).div_ceil(own),
        };
        halvings(size, steps, eta)
    };
    Ok((0..=most).rev().map(bracket).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(max_resource: u64, eta: u64, sizes: Sizes) -> Vec<Vec<(u64, u64)>> {
        let resource = |rung: &Rung| (rung.size, (rung.fidelity * max_resource as f64).round() as u64);
        hyperband(max_resource, eta, sizes).unwrap().iter().map(|plan| plan.iter().map(resource).collect()).collect()
    }

    #[test]
    fn brackets_are_those_of_the_paper() {
        assert_eq!(
            table(81, 3, Sizes::Even),
            [
                vec![(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
                vec![(27, 3), (9, 9), (3, 27), (1, 81)],
                vec![(9, 9), (3, 27), (1, 81)],
                vec![(6, 27), (2, 81)],
                vec![(5, 81)],
            ]
        );
        let starts: Vec<u64> = table(81, 3, Sizes::RoundedUp).iter().map(|plan| plan[0].0).collect();
        assert_eq!(starts, [81, 34, 15, 8, 5]);
        assert_eq!(table(1, 3, Sizes::Even), [[(1, 1)]]);
        assert_eq!(table(80, 3, Sizes::Even).len(), 4);
    }

    #[test]
    fn halving_ends_with_one_at_full_fidelity() {
        let rungs = |size, steps, eta| -> Vec<(u64, f64)> {
            halvings(size, steps, eta).into_iter().map(|rung| (rung.size, rung.fidelity)).collect()
        };
        assert_eq!(rungs(9, 3, 2), [(9, 0.125), (4, 0.25), (2, 0.5), (1, 1.0)]);
        assert_eq!(rungs(2, 2, 4), [(2, 0.0625), (1, 0.25), (1, 1.0)]);
        assert_eq!(rungs(5, 0, 2), [(5, 1.0)]);
        let deep = halvings(u64::MAX, 70, 2);
        assert!(deep.iter().all(|rung| rung.size >= 1 && rung.fidelity > 0.0));
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        assert!(steps(81, 1, 1).is_err() && steps(81, 0, 3).is_err() && steps(81, 82, 3).is_err());
        assert_eq!((steps(81, 1, 3), steps(81, 2, 3), steps(81, 81, 3)), (Ok(4), Ok(3), Ok(0)));
    }
}

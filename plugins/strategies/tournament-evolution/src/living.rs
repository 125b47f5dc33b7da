//! Who lives.

use archwright_sdk::{Goal, Member, Rng};

/// Living members. Who dies is decided by tournaments, not by age.
#[derive(Clone, Debug)]
pub(crate) struct Living {
    goal: Goal,
    members: Vec<Member>,
}

/// What a tournament found.
#[derive(Clone, Debug)]
pub(crate) struct Tournament {
    pub(crate) best: Member,
    /// The place of the worst, for [`Living::remove`].
    pub(crate) worst: usize,
}

impl Living {
    pub(crate) fn new(goal: Goal) -> Self {
        Self { goal, members: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn add(&mut self, member: Member) {
        self.members.push(member);
    }

    pub(crate) fn remove(&mut self, place: usize) {
        self.members.swap_remove(place);
    }

    #[cfg(test)]
    pub(crate) fn list(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// The best and the worst of `size` different members, at least two of which have to live; of equals the first drawn is
    /// better.
    pub(crate) fn tournament(&mut self, size: usize, rng: &mut Rng) -> Tournament {
        let size = size.clamp(2, self.members.len());
        // The order of members says nothing: the first ones after a partial shuffle are a sample without replacement.
        for place in 0..size {
            let other = place + rng.below(self.members.len() - place);
            self.members.swap(place, other);
        }
        let (mut best, mut worst) = (0, 0);
        for place in 1..size {
            if self.goal.is_better(self.members[place].value, self.members[best].value) {
                best = place;
            }
            if !self.goal.is_better(self.members[place].value, self.members[worst].value) {
                worst = place;
            }
        }
        Tournament { best: self.members[best].clone(), worst }
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::Architecture;

    use super::*;

    fn living(values: &[f64]) -> Living {
        let mut living = Living::new(Goal::Minimize);
        for (query, value) in (0..).zip(values) {
            living.add(Member { query, architecture: Architecture::Point(Vec::new()), value: *value });
        }
        living
    }

    #[test]
    fn best_and_worst_differ_and_are_drawn_evenly() {
        let mut rng = Rng::new(0);
        let mut drawn = [0; 4];
        for _ in 0..6_000 {
            let mut four = living(&[3.0, 1.0, 2.0, 2.0]);
            let tournament = four.tournament(2, &mut rng);
            let (best, worst) = (tournament.best.clone(), tournament.worst);
            let worst = four.members[worst].clone();
            assert!(best.query != worst.query && best.value <= worst.value);
            drawn[best.query as usize] += 1;
            drawn[worst.query as usize] += 1;
        }
        // 3,000 each, with a standard deviation of 39.
        assert!(drawn.iter().all(|count| (2_850..3_150).contains(count)), "{drawn:?}");
        let mut four = living(&[3.0, 1.0, 2.0, 2.0]);
        let tournament = four.tournament(9, &mut rng);
        assert_eq!(tournament.best.query, 1);
        let worst = tournament.worst;
        assert_eq!(four.members[worst].query, 0);
    }
}

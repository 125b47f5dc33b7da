//! Who may reproduce and who dies.

use std::collections::VecDeque;

use crate::{Goal, Member, Rng, selection};

/// Members by age.
#[derive(Clone, Debug)]
pub struct Population {
    goal: Goal,
    members: VecDeque<Member>,
}

impl Population {
    /// An empty population.
    pub fn new(goal: Goal) -> Self {
        Self { goal, members: VecDeque::new() }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds the youngest.
    pub fn add(&mut self, member: Member) {
        self.members.push_back(member);
    }

    /// Lets the oldest die until at most `size` are left (ageing; Real et al. 2019).
    pub fn keep_youngest(&mut self, size: usize) {
        while self.members.len() > size {
            self.members.pop_front();
        }
    }

    /// Lets the worst die until at most `size` are left (elitism; De Jong 1975). Of equals the youngest dies; the others stay in
    /// order of age.
    pub fn keep_best(&mut self, size: usize) {
        let mut dies = vec![true; self.members.len()];
        selection::truncation(&self.values(), self.goal, size).into_iter().for_each(|place| dies[place] = false);
        let mut dies = dies.into_iter();
        self.members.retain(|_| !dies.next().unwrap_or(false));
    }

    /// Lets one die, by its place in order of age; gives it, where it lived.
    pub fn remove(&mut self, place: usize) -> Option<Member> {
        self.members.remove(place)
    }

    /// The members, the oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.iter()
    }

    /// Their values, the oldest member's first.
    pub fn values(&self) -> Vec<f64> {
        self.members.iter().map(|member| member.value).collect()
    }

    /// The best; of equals the oldest.
    pub fn best(&self) -> Option<&Member> {
        self.members.get(*selection::truncation(&self.values(), self.goal, 1).first()?)
    }

    /// The best of `size` draws, each from all members (Real et al. 2019, algorithm 1); of equals the first drawn. Nothing where
    /// nobody lives.
    pub fn tournament(&self, size: usize, rng: &mut Rng) -> Option<&Member> {
        let better =
            |left: usize, right: usize| self.goal.is_better(self.members[left].value, self.members[right].value);
        self.members.get(selection::best_of_draws(self.members.len(), size, better, rng)?)
    }

    /// One by fitness-proportionate selection ([`selection::roulette`]). Nothing where nobody lives.
    pub fn roulette(&self, rng: &mut Rng) -> Option<&Member> {
        self.members.get(selection::roulette(&self.values(), self.goal, rng)?)
    }

    /// One by linear ranking ([`selection::rank`]). Nothing where nobody lives.
    pub fn rank(&self, pressure: f64, rng: &mut Rng) -> Option<&Member> {
        self.members.get(selection::rank(&self.values(), self.goal, pressure, rng)?)
    }
}

impl Extend<Member> for Population {
    /// Adds members, each the youngest in turn.
    fn extend<I: IntoIterator<Item = Member>>(&mut self, members: I) {
        self.members.extend(members);
    }
}

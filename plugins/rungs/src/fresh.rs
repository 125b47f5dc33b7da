use archwright_sdk::{Architecture, Distinct, Rng, Space};

/// Draws after which the space counts as exhausted.
const PATIENCE: u32 = 100;

/// Random architectures that were not asked for before, isomorphic ones being the same, as long as there are such. From the
/// first time that a hundred draws in a row bring nothing new, they are any.
#[derive(Clone, Debug)]
pub struct Fresh {
    space: Space,
    seen: Distinct,
    exhausted: bool,
}

impl Fresh {
    /// Architectures of this space.
    pub fn new(space: Space) -> Self {
        Self { space, seen: Distinct::default(), exhausted: false }
    }

    /// The space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// A random architecture.
    pub fn draw(&mut self, rng: &mut Rng) -> Architecture {
        let mut architecture = self.space.sample(rng.next_u64());
        if self.exhausted {
            return architecture;
        }
        for _ in 1..PATIENCE {
            if self.is_new(&architecture) {
                return architecture;
            }
            architecture = self.space.sample(rng.next_u64());
        }
        self.exhausted = !self.is_new(&architecture);
        architecture
    }

    /// Whether an architecture was not asked for before; from now on it was. One without a network is new: that it fails is
    /// for the estimator to say.
    pub fn is_new(&mut self, architecture: &Architecture) -> bool {
        self.seen.is_new(architecture, &self.space).unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use archwright_sdk::testing::space;

    use super::*;

    #[test]
    fn nothing_comes_twice_until_everything_came() {
        let small = space(
            r#"
            name = "small"
            network = "network"
            [module.network]
            kind = "chain"
            layers = [
                { op = "conv2d", kernel = { choose = [1, 3] }, channels = { choose = [4, 8, 16] } },
                "global-avg-pool",
                { op = "linear", features = "classes" },
            ]
            "#,
        );
        let mut fresh = Fresh::new(small);
        let mut rng = Rng::new(0);
        let mut drawn: Vec<String> = (0..6).map(|_| format!("{:?}", fresh.draw(&mut rng))).collect();
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len(), 6);
        assert!(!fresh.exhausted);
        fresh.draw(&mut rng);
        assert!(fresh.exhausted);
    }
}

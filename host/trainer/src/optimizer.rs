//! How weights follow the gradient. All parameters are one row, so that a step is a handful of operations however many
//! layers there are.

use archwright_protocol::{Optimizer as Kind, Recipe};
use tch::{TchError, Tensor};

/// An optimizer with its state.
pub(crate) struct Optimizer {
    recipe: Recipe,
    /// Rows as long as the parameters': the momentum, or first and second moments.
    pub(crate) state: Vec<(&'static str, Tensor)>,
    /// Steps taken.
    pub(crate) steps: u64,
}

impl Optimizer {
    pub(crate) fn new(recipe: &Recipe, flat: &Tensor) -> Result<Self, TchError> {
        let state = Self::state_names(recipe)
            .iter()
            .map(|name| Ok((*name, flat.f_zeros_like()?)))
            .collect::<Result<_, TchError>>()?;
        Ok(Self { recipe: recipe.clone(), state, steps: 0 })
    }

    /// What the state holds for each parameter.
    pub(crate) fn state_names(recipe: &Recipe) -> &'static [&'static str] {
        match recipe.optimizer {
            Kind::Sgd => &["momentum"],
            Kind::Adamw => &["first_moment", "second_moment"],
        }
    }

    /// Takes a step of all parameters, `flat`, along `gradient`.
    pub(crate) fn step(&mut self, flat: &mut Tensor, gradient: Tensor, learning_rate: f64) -> Result<(), TchError> {
        let gradient = clip(gradient, self.recipe.gradient_clip)?;
        self.steps += 1;
        match self.recipe.optimizer {
            Kind::Sgd => self.sgd(flat, gradient, learning_rate),
            Kind::Adamw => self.adamw(flat, &gradient, learning_rate),
        }
    }

    /// Stochastic gradient descent with (Nesterov's) momentum, as PyTorch does it: the first step's momentum is the
    /// gradient itself, which starting from zero gives as well.
    fn sgd(&mut self, flat: &mut Tensor, mut gradient: Tensor, learning_rate: f64) -> Result<(), TchError> {
        let Recipe { momentum, nesterov, weight_decay, .. } = self.recipe;
        if weight_decay > 0.0 {
            gradient = gradient.f_add(&flat.f_mul_scalar(weight_decay)?)?;
        }
        if momentum == 0.0 {
            *flat -= gradient.f_mul_scalar(learning_rate)?;
            return Ok(());
        }
        let velocity = &mut self.state[0].1;
        let _ = velocity.f_mul_scalar_(momentum)?.f_add_(&gradient)?;
        let direction =
            if nesterov { gradient.f_add(&velocity.f_mul_scalar(momentum)?)? } else { velocity.shallow_clone() };
        let _ = flat.f_sub_(&direction.f_mul_scalar(learning_rate)?)?;
        Ok(())
    }

    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    fn adamw(&mut self, flat: &mut Tensor, gradient: &Tensor, learning_rate: f64) -> Result<(), TchError> {
        let Recipe { betas: [first_decay, second_decay], epsilon, weight_decay, .. } = self.recipe;
        let steps = self.steps as f64;
        let _ = flat.f_mul_scalar_(1.0 - learning_rate * weight_decay)?;
        let first = &mut self.state[0].1;
        let _ = first.f_mul_scalar_(first_decay)?.f_add_(&gradient.f_mul_scalar(1.0 - first_decay)?)?;
        let numerator = first.f_mul_scalar(learning_rate / (1.0 - first_decay.powf(steps)))?;
        let second = &mut self.state[1].1;
        let _ = second.f_mul_scalar_(second_decay)?.f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - second_decay)?)?;
        let correction = (1.0 - second_decay.powf(steps)).sqrt();
        let denominator = second.f_sqrt()?.f_div_scalar(correction)?.f_add_scalar(epsilon)?;
        let _ = flat.f_sub_(&numerator.f_div(&denominator)?)?;
        Ok(())
    }
}

/// The gradient with a norm of at most `largest`; 0 for any norm.
pub(crate) fn clip(gradient: Tensor, largest: f64) -> Result<Tensor, TchError> {
    if largest == 0.0 {
        return Ok(gradient);
    }
    let factor = (gradient.f_norm()?.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(largest)?).f_clamp_max(1.0)?;
    gradient.f_mul(&factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps along these gradients from 1.0, each rounded.
    fn run(recipe: Recipe, gradients: &[f64]) -> Vec<f64> {
        let mut flat = Tensor::from_slice(&[1.0f32]);
        let mut optimizer = Optimizer::new(&recipe, &flat).unwrap();
        gradients
            .iter()
            .map(|gradient| {
                optimizer.step(&mut flat, Tensor::from_slice(&[*gradient as f32]), 0.1).unwrap();
                flat.double_value(&[0])
            })
            .collect()
    }

    fn close(left: &[f64], right: &[f64]) {
        for (left, right) in left.iter().zip(right) {
            assert!((left - right).abs() < 1e-6, "{left} {right}");
        }
    }

    #[test]
    fn sgd_equals_its_definition() {
        for nesterov in [false, true] {
            let recipe =
                Recipe { momentum: 0.9, nesterov, weight_decay: 0.01, gradient_clip: 0.0, ..Recipe::default() };
            let (mut weight, mut velocity) = (1.0, 0.0);
            let expected: Vec<f64> = [0.5, -0.2, 0.1]
                .iter()
                .map(|gradient| {
                    let gradient = gradient + 0.01 * weight;
                    velocity = 0.9 * velocity + gradient;
                    weight -= 0.1 * if nesterov { gradient + 0.9 * velocity } else { velocity };
                    weight
                })
                .collect();
            close(&run(recipe, &[0.5, -0.2, 0.1]), &expected);
        }
    }

    #[test]
    fn adamw_equals_its_definition() {
        let recipe = Recipe { optimizer: Kind::Adamw, weight_decay: 0.1, gradient_clip: 0.0, ..Recipe::default() };
        let (mut weight, mut first, mut second) = (1.0f64, 0.0, 0.0);
        let mut expected = Vec::new();
        for (step, gradient) in [0.5f64, -0.2, 0.1].iter().enumerate() {
            let step = step as i32 + 1;
            weight -= 0.1 * 0.1 * weight;
            first = 0.9 * first + 0.1 * gradient;
            second = 0.999 * second + 0.001 * gradient * gradient;
            let (first, second): (f64, f64) = (first / (1.0 - 0.9f64.powi(step)), second / (1.0 - 0.999f64.powi(step)));
            weight -= 0.1 * first / (second.sqrt() + 1e-8);
            expected.push(weight);
        }
        close(&run(recipe, &[0.5, -0.2, 0.1]), &expected);
    }

    #[test]
    fn clipping_bounds_the_norm() {
        let gradient = Tensor::from_slice(&[3.0f32, 4.0]);
        let clipped = clip(gradient.shallow_clone(), 1.0).unwrap();
        assert!((clipped.norm().double_value(&[]) - 1.0).abs() < 1e-5);
        assert_eq!(clip(gradient.shallow_clone(), 10.0).unwrap(), gradient);
    }
}

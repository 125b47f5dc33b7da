//! What a module needs that goes over the steps of sequences.

use crate::sequence::Sequence;

/// What the network's class says about itself.
pub(super) fn about(sequence: &Sequence, scores: u32) -> String {
    let given =
        if sequence.vocabulary.is_some() { "tokens (batch x steps)" } else { "steps (batch x steps x features)" };
    format!("The network: {given} to scores (batch x steps x {scores}), and the states after the last step.")
}

/// What the network takes and gives, how it is called, and an example of it.
pub(super) fn usage(sequence: &Sequence, input: &str, scores: u32) -> (String, String, String) {
    let (takes, name, example) = match sequence.vocabulary {
        Some(vocabulary) => (
            format!("reads one of {vocabulary} tokens in each step, and gives {scores} scores for the next one"),
            "tokens",
            format!("torch.randint({vocabulary}, (1, 8))"),
        ),
        None => (
            format!("reads ({input}) in each step, and gives {scores} scores"),
            "inputs",
            format!("torch.randn(1, 8, {input})"),
        ),
    };
    let call = format!(
        "scores, states = model({name})            # of so many sequences x steps, from their start\n    \
         scores, states = model({name}, states)    # goes on from there; detach the states in training"
    );
    (takes, call, format!("model({example})[0]"))
}

/// The network's method `forward`, which calls `step`.
pub(super) fn forward(sequence: &Sequence, locked: bool) -> String {
    let all = if sequence.vocabulary.is_some() { "tokens" } else { "inputs" };
    let each = if sequence.vocabulary.is_some() { "token" } else { "one" };
    let lengths: Vec<String> = sequence.states.iter().map(|state| format!("{},", state.features)).collect();
    let lengths = lengths.join(" ");
    let unlock = if locked {
        "        for module in self.modules():\n            if isinstance(module, LockedDropout):\n                \
         module.mask = None\n"
    } else {
        ""
    };
    format!(
        "\n    def forward(self, {all}, states=None):\n        if states is None:\n            \
         weight = next(self.parameters())\n            \
         states = tuple(weight.new_zeros({all}.shape[0], length) for length in ({lengths}))\n{unlock}        \
         scores = []\n        for {each} in {all}.unbind(dim=1):\n            \
         score, *states = self.step({each}, *states)\n            scores.append(score)\n        \
         return torch.stack(scores, dim=1), tuple(states)\n"
    )
}

pub(super) const LOCKED_DROPOUT: &str = r#"

class LockedDropout(nn.Module):
    """Sets values to zero in training: the same ones in all steps of a sequence, until `mask` is set to None."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate
        self.mask = None

    def forward(self, x):
        if not self.training or self.rate == 0.0:
            return x
        if self.mask is None:
            keep = 1.0 - self.rate
            self.mask = torch.full_like(x, keep).bernoulli() / keep
        return x * self.mask
"#;

pub(super) const TIED_LINEAR: &str = r#"

class TiedLinear(nn.Module):
    """A linear layer whose weights are another layer's, with which it is called."""

    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        bound = in_features**-0.5
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound)) if bias else None

    def forward(self, x, weight):
        return F.linear(x, weight, self.bias)
"#;

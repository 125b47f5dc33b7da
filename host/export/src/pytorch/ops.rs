//! Operations in Python.

use archwright_space::{Node, Op, Shape};

use super::template::{Kind, Role, Template};
use crate::ExportError;

/// Longest expression on one line.
const WIDTH: usize = 96;

/// The part of a name that an operation gives, and whether a module computes it.
pub(super) fn label(op: &Op) -> (&'static str, bool) {
    match op {
        Op::Conv2d { .. } => ("conv", true),
        Op::BatchNorm { .. } => ("norm", true),
        Op::Linear { .. } => ("linear", true),
        Op::Embedding { .. } => ("embedding", true),
        Op::TiedLinear { .. } => ("tied_linear", true),
        Op::MaxPool { .. } => ("max_pool", true),
        Op::AvgPool { .. } => ("avg_pool", true),
        Op::Dropout { .. } | Op::LockedDropout { .. } => ("dropout", true),
        Op::GlobalAvgPool => ("features", false),
        Op::Concat => ("joined", false),
        Op::Add => ("total", false),
        Op::Multiply => ("product", false),
        Op::Mean => ("mean", false),
        Op::Complement => ("rest", false),
        _ => ("y", false),
    }
}

/// Whether a name is one that operations give.
pub(super) fn is_label(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    ["conv", "norm", "linear", "pool", "dropout"].contains(&last)
}

fn pair([rows, columns]: [u32; 2]) -> String {
    if rows == columns { rows.to_string() } else { format!("({rows}, {columns})") }
}

/// The call that makes an operation's module; `steps` tells whether the network is for sequences.
pub(super) fn constructor(template: &mut Template, attribute: &str, op: &Op, input: Shape, steps: bool) {
    let channels = input.channels();
    let mut slot = |before: &str, kind: Kind, role: Role, value: String, default: Option<&str>| {
        template.slot(attribute, before, kind, role, value, default);
    };
    match op {
        Op::Conv2d { out_channels, kernel, stride, padding, dilation, groups, bias } => {
            slot("nn.Conv2d(", Kind::Channels, Role::In, channels.to_string(), None);
            slot(", ", Kind::Channels, Role::Out, out_channels.to_string(), None);
            slot(", ", Kind::Kernel, Role::Neutral, pair(*kernel), None);
            slot(", stride=", Kind::Stride, Role::Neutral, pair(*stride), Some("1"));
            slot(", padding=", Kind::Padding, Role::Neutral, pair(*padding), Some("0"));
            slot(", dilation=", Kind::Dilation, Role::Neutral, pair(*dilation), Some("1"));
            let kind = if *groups == channels && channels > 1 { Kind::Channels } else { Kind::Groups };
            slot(", groups=", kind, Role::In, groups.to_string(), Some("1"));
            template.text(if *bias { ")" } else { ", bias=False)" });
        }
        Op::BatchNorm { affine } => {
            let class = if matches!(input, Shape::Map { .. }) { "nn.BatchNorm2d(" } else { "nn.BatchNorm1d(" };
            slot(class, Kind::Channels, Role::Neutral, channels.to_string(), None);
            template.text(if *affine { ")" } else { ", affine=False)" });
        }
        Op::Linear { out_features, bias } => {
            slot("nn.Linear(", Kind::Channels, Role::In, channels.to_string(), None);
            slot(", ", Kind::Features, Role::Neutral, out_features.to_string(), None);
            template.text(if *bias { ")" } else { ", bias=False)" });
        }
        Op::MaxPool { kernel, stride, padding } | Op::AvgPool { kernel, stride, padding, .. } => {
            let class = if matches!(op, Op::MaxPool { .. }) { "nn.MaxPool2d(" } else { "nn.AvgPool2d(" };
            slot(class, Kind::Kernel, Role::Neutral, pair(*kernel), None);
            // PyTorch's own default is the kernel.
            slot(", stride=", Kind::Stride, Role::Neutral, pair(*stride), None);
            slot(", padding=", Kind::Padding, Role::Neutral, pair(*padding), Some("0"));
            let excluding = matches!(op, Op::AvgPool { count_include_pad: false, .. }) && *padding != [0, 0];
            template.text(if excluding { ", count_include_pad=False)" } else { ")" });
        }
        Op::Embedding { vocabulary, features } => {
            slot("nn.Embedding(", Kind::Features, Role::Neutral, vocabulary.to_string(), None);
            slot(", ", Kind::Channels, Role::Out, features.to_string(), None);
            // As the trainer's embeddings start; PyTorch's own are normal.
            template.text(&format!(")\n        nn.init.uniform_(self.{attribute}.weight, -0.1, 0.1)"));
        }
        Op::TiedLinear { out_features, bias } => {
            slot("TiedLinear(", Kind::Channels, Role::In, channels.to_string(), None);
            slot(", ", Kind::Features, Role::Neutral, out_features.to_string(), None);
            template.text(if *bias { ")" } else { ", bias=False)" });
        }
        Op::LockedDropout { rate } if steps => template.text(&format!("LockedDropout({rate})")),
        Op::Dropout { rate } | Op::LockedDropout { rate } => template.text(&format!("nn.Dropout({rate})")),
        _ => {}
    }
}

/// The expression of a node's result from variables; `module` is the attribute that computes it, where one does.
pub(super) fn expression(
    node: &Node,
    module: Option<&str>,
    variables: &[String],
    input: Shape,
) -> Result<String, ExportError> {
    let x = variables.first().map_or("x", String::as_str);
    if let Some(module) = module {
        return Ok(format!("self.{module}({})", variables.join(", ")));
    }
    let of = |function: &str| format!("{function}({x})");
    Ok(match &node.op {
        Op::Relu => of("F.relu"),
        Op::Relu6 => of("F.relu6"),
        Op::Gelu => of("F.gelu"),
        Op::Silu => of("F.silu"),
        Op::HardSwish => of("F.hardswish"),
        Op::Tanh => of("torch.tanh"),
        Op::Sigmoid => of("torch.sigmoid"),
        Op::Complement => format!("1 - {x}"),
        Op::GlobalAvgPool => format!("{x}.mean(dim=(2, 3))"),
        Op::Flatten => format!("{x}.flatten(1)"),
        Op::Add => joined(variables, " + ", "(", ")"),
        Op::Multiply => joined(variables, " * ", "(", ")"),
        Op::Mean => {
            let sum = joined(variables, " + ", "", "");
            format!("({sum}) / {}", variables.len())
        }
        Op::Concat => {
            let list = joined(variables, ", ", "", "");
            format!("torch.cat([{list}], dim=1)")
        }
        Op::DropPath => of("self.drop_path"),
        Op::Zero { stride: [1, 1] } => of("torch.zeros_like"),
        Op::Zero { stride: [rows, columns] } => format!("torch.zeros_like({x}[:, :, ::{rows}, ::{columns}])"),
        Op::Shift { rows, columns } => shift(x, *rows, *columns, input),
        Op::Truncate { channels } => format!("{x}[:, :{channels}]"),
        other => {
            let op = other.name().to_owned();
            return Err(ExportError::Unsupported { node: node.name.clone(), op, format: "PyTorch" });
        }
    })
}

/// Variables with something between them, on several lines where one is too short.
fn joined(variables: &[String], between: &str, open: &str, close: &str) -> String {
    let line = variables.join(between);
    if line.len() <= WIDTH {
        return line;
    }
    let mut text = open.to_owned();
    let mut column = WIDTH;
    for (index, variable) in variables.iter().enumerate() {
        if column + variable.len() > WIDTH {
            text.push_str("\n            ");
            column = 0;
        }
        text.push_str(variable);
        if index + 1 < variables.len() {
            text.push_str(between);
        }
        column += variable.len() + between.len();
    }
    format!("{}\n        {close}", text.replace(" \n", "\n"))
}

fn shift(x: &str, rows: u32, columns: u32, input: Shape) -> String {
    let (height, width) = match input {
        Shape::Map { height, width, .. } => (height, width),
        Shape::Vector(_) => (0, 0),
    };
    if rows >= height || columns >= width {
        return format!("torch.zeros_like({x})");
    }
    format!("F.pad({x}[:, :, {rows}:, {columns}:], (0, {columns}, 0, {rows}))")
}

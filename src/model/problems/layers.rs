//! Problems of layers.

use crate::problem::Problem;
use crate::source::Span;

pub(in crate::model) enum Layers {
    Outside { name: String, span: Span },
    Arguments { name: &'static str, written: &'static str, bias: bool, span: Span },
    Number { name: &'static str, what: &'static str, least: i64, span: Span },
    Input { name: &'static str, wants: &'static str, have: String, span: Span },
    Window { name: &'static str, size: String, kernel: usize, stride: usize, padding: usize, small: bool, span: Span },
    Label { text: String, support: String, span: Span },
    Rate { text: String, span: Span },
}

impl From<Layers> for Problem {
    fn from(fact: Layers) -> Problem {
        match fact {
            Layers::Outside { name, span } => Problem::error(
                "ppl::model::layer_outside",
                format!("`{name}` is a layer, and layers stand in nets"),
            )
            .label(span, "here no weights can be kept")
            .help(format!(
                "write a net, `net f(x: real[D]) -> real[K] {{ ... }}` with `{name}` inside, and call `f(...)` here"
            )),
            Layers::Arguments { name, written, bias, span } => {
                let more = if bias { "; `bias: false` leaves the bias out" } else { "" };
                Problem::error("ppl::model::layer_arguments", format!("`{name}` is not called like this"))
                    .label(span, "these arguments")
                    .help(format!("write {written}{more}"))
            }
            Layers::Number { name, what, least, span } => Problem::error(
                "ppl::model::layer_arguments",
                format!("`{what}` of `{name}` is a whole number from {least} up, known in the text"),
            )
            .label(span, "not this")
            .help("write a number, or a dim that has a value"),
            Layers::Input { name, wants, have, span } => {
                Problem::error("ppl::model::layer_shape", format!("`{name}` takes {wants}, and this is {have}"))
                    .label(span, format!("this is {have}"))
                    .help(match name {
                        "conv2d" | "conv_transpose2d" => "`reshape(x, 1, 28, 28)` makes an image of one channel",
                        "gru" => "`reshape(x, T, D)` makes T steps of D values",
                        _ => "give it a value of that shape",
                    })
            }
            Layers::Window { name, size, kernel, padding, small: true, span, .. } => Problem::error(
                "ppl::model::layer_shape",
                format!("nothing is left of an axis of {size} after `{name}` with a kernel of {kernel}"),
            )
            .label(span, format!("kernel {kernel}, padding {padding}, axis {size}"))
            .help("make the kernel smaller, or the padding of `conv2d` larger"),
            Layers::Window { name, size, stride, span, .. } => Problem::error(
                "ppl::model::layer_shape",
                format!(
                    "the result of `{name}` with a stride of {stride} needs a size that is known, and {size} is not"
                ),
            )
            .label(span, "its size is rounded down")
            .help(format!("give {size} a value, as in `dim {size} = 28`")),
            Layers::Label { text, support, span } => Problem::error(
                "ppl::model::layer_shape",
                format!("`embedding` takes a label, and `{text}` is {support}"),
            )
            .label(span, format!("this is {support}"))
            .help("declare it as `category(V)`: V rows of weights are kept, one a label"),
            Layers::Rate { text, span } => Problem::error(
                "ppl::model::layer_arguments",
                format!("`{text}` is no probability to drop an entry with"),
            )
            .label(span, "a number from 0 up and below 1 is wanted here")
            .help("write `dropout(x, 0.5)`"),
        }
    }
}

//! Models made up from the grammar, construct by construct: what `fmt` prints of them is what was written.

use super::laws::{Random, check_layout, comment_everywhere, mutations, relayout, shape};
use super::*;

/// Words of the manual that are names elsewhere are among them.
const NAMES: [&str; 14] =
    ["a", "mu", "x1", "_z", "theta", "chain", "phase", "exact", "real", "batch", "objective", "pathwise", "D", "b_2"];
const NUMBERS: [&str; 6] = ["0", "1", "0.5", "1e-3", "10_000", "inf"];
const INFIX: [&str; 9] = ["+", "-", "*", "/", "@", "^", "and", "or", "+"];
const COMPARE: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const SUPPORTS: [&str; 5] = ["real", "positive", "category", "simplex", "cov"];
const FIT: [&str; 10] = [
    "objective: elbo(beta: linear(0, 1, 100))",
    "optimizer: adam(lr: 1e-3)",
    "batch: N = 128, M = 16",
    "init: {mu: 3, theta: [1, 2]}",
    "kl: sampled",
    "lr: cosine(1e-3, warmup: 100)",
    "stop: converged",
    "steps: 2_000",
    "phase guide { steps: 5; optimizer: adam(lr: 1e-2) }",
    "phase model { steps: 1 }",
];

struct Writer {
    random: Random,
}

impl Writer {
    fn name(&mut self) -> String {
        self.random.pick(&NAMES).to_string()
    }

    /// One to three of something, with commas between, now and then with one after the last.
    fn list(&mut self, mut one: impl FnMut(&mut Writer) -> String) -> String {
        let parts: Vec<String> = (0..1 + self.random.below(3)).map(|_| one(self)).collect();
        parts.join(", ") + if self.random.below(8) == 0 { "," } else { "" }
    }

    fn each(&mut self, depth: usize) -> String {
        let (k, j) = (self.name(), self.name());
        match self.random.below(3) {
            0 => format!("for {k} in K, {j} in 0..{}", self.expr(depth)),
            1 => format!("for {k} in {j}"),
            _ => format!("for {k} in 2..5"),
        }
    }

    /// A comparison stands in parentheses, since comparisons are not chained.
    fn expr(&mut self, depth: usize) -> String {
        if depth == 0 {
            return if self.random.below(2) == 0 { self.name() } else { self.random.pick(&NUMBERS).to_string() };
        }
        let d = depth - 1;
        match self.random.below(15) {
            0 => format!("-{}", self.operand(d)),
            1 => format!("({} {} {})", self.expr(d), self.random.pick(&COMPARE), self.expr(d)),
            2 => format!("(not {})", self.expr(d)),
            3 => format!(
                "if {} {} {} then {} else {}",
                self.operand(d),
                self.random.pick(&COMPARE),
                self.operand(d),
                self.expr(d),
                self.expr(d)
            ),
            4 => format!("{} |> {}", self.operand(d), self.call(d)),
            5..=8 => format!("{} {} {}", self.operand(d), self.random.pick(&INFIX), self.expr(d)),
            _ => self.operand(depth),
        }
    }

    /// What needs no parentheses anywhere.
    fn operand(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.expr(0);
        }
        let d = depth - 1;
        match self.random.below(8) {
            0 => format!("({})", self.expr(d)),
            1 => self.call(d),
            2 => format!("sum({} {})", self.expr(d), self.each(d)),
            3 => format!("[{}]", self.list(|w| w.expr(d))),
            4 => format!("[{} {}]", self.expr(d), self.each(d)),
            5 => format!("{}[{}]", self.name(), self.list(|w| w.slice(d))),
            6 => format!("{}.{}", self.call(d), self.name()),
            _ => self.expr(0),
        }
    }

    fn slice(&mut self, depth: usize) -> String {
        if self.random.below(4) == 0 {
            format!("{}..{}", self.operand(depth), self.operand(depth))
        } else {
            self.expr(depth)
        }
    }

    fn call(&mut self, depth: usize) -> String {
        let name = self.name();
        format!(
            "{name}({})",
            self.list(|w| {
                let value = w.expr(depth);
                if w.random.below(3) == 0 { format!("{}: {value}", w.name()) } else { value }
            })
        )
    }

    fn ty(&mut self) -> String {
        let support = *self.random.pick(&SUPPORTS);
        let args = if self.random.below(3) == 0 { format!("({})", self.list(|w| w.expr(1))) } else { String::new() };
        let shape = if self.random.below(2) == 0 { format!("[{}]", self.list(|w| w.expr(1))) } else { String::new() };
        format!("{support}{args}{shape}")
    }

    fn typed(&mut self) -> String {
        format!("{}: {}", self.name(), self.ty())
    }

    fn separator(&mut self) -> &'static str {
        self.random.pick::<&str>(&["\n", "\n", "\n\n", "; ", " ;\n", "\n# own line\n", "  # at the end\n"])
    }

    fn block(&mut self, depth: usize, guide: bool) -> String {
        let mut text = "{".to_string() + if self.random.below(3) == 0 { " " } else { "\n" };
        for _ in 0..self.random.below(4) {
            text += &self.statement(depth, guide);
            text += self.separator();
        }
        text + "}"
    }

    fn statement(&mut self, depth: usize, guide: bool) -> String {
        let name = self.name();
        match self.random.below(7) {
            0 if depth > 0 => {
                let chain = if self.random.below(3) == 0 { " chain" } else { "" };
                format!("for {name} in {}{chain} {}", self.name(), self.block(depth - 1, guide))
            }
            1 if guide => format!("param {name}: {} = {}", self.ty(), self.expr(2)),
            1 => format!("factor {}", self.expr(3)),
            2 => format!("{name} = {}", self.expr(4)),
            3 => format!("{name}[{}] ~ {}", self.list(|w| w.expr(1)), self.call(3)),
            4 => format!("({}, {name}[n]) ~ Boltzmann(e)", self.typed()),
            5 if guide => {
                let by =
                    self.random.pick(&["by score(baseline: net(100))", "by pathwise", "by concrete(0.5)"]).to_string();
                format!("{name} ~ {} {by}", self.call(2))
            }
            _ => format!("{} ~ {}", self.typed(), self.call(3)),
        }
    }

    fn item(&mut self) -> String {
        let name = self.name();
        match self.random.below(10) {
            0 => format!("dim {name} = {}", self.expr(2)),
            1 => format!("const {name} = {}", self.expr(3)),
            2 => format!("data {name}[N, {}]: {}?", self.name(), self.ty()),
            3 => format!("data {name}: {} = {}", self.ty(), self.expr(4)),
            4 => format!("param {name}: {} = {}", self.ty(), self.expr(2)),
            5 => format!(
                "net {name}({}) -> {} {{\n  h = {}\n  {}\n}}",
                self.list(Writer::typed),
                self.ty(),
                self.expr(3),
                self.expr(3)
            ),
            6 => format!("fun {name}({}) = {}", self.list(Writer::name), self.expr(4)),
            7 => format!("energy {name}({}) = {}", self.list(Writer::typed), self.expr(3)),
            8 => format!("guide meanfield {}", self.block(2, true)),
            _ => {
                let entries: Vec<&str> = (0..1 + self.random.below(4)).map(|_| *self.random.pick(&FIT)).collect();
                format!("fit {{\n  {}\n}}", entries.join("\n  "))
            }
        }
    }

    fn file(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.random.below(4) {
            text += &self.item();
            text += self.random.pick::<&str>(&["\n", "\n\n", "  # at the end\n", "\n# own line\n"]);
        }
        format!("{text}model {}\n", self.block(3, false))
    }
}

#[test]
fn what_fmt_prints_of_a_made_up_model_is_what_was_written() {
    let mut writer = Writer { random: Random(31) };
    for at in 0..mutations() {
        let text = writer.file();
        check_layout(&text);
        let other = relayout(&text, &mut writer.random);
        assert!(shape(&good(&text)) == shape(&good(&other)), "{text}\nrelaid as\n{other}");
        check_layout(&other);
        if at % 50 == 0 {
            comment_everywhere("a made-up model", &text, if cfg!(debug_assertions) { 7 } else { 3 });
        }
    }
}

//! Characters that look like ours, or have a usual ASCII spelling.

/// What to type for a character, and what it is called.
const LOOKALIKES: [(char, &str, &str); 33] = [
    ('\u{a0}', " ", "a no-break space"),
    ('\u{2009}', " ", "a thin space"),
    ('\u{202f}', " ", "a narrow no-break space"),
    ('\u{3000}', " ", "an ideographic space"),
    ('\u{200b}', " ", "a zero-width space"),
    ('\u{feff}', " ", "a byte order mark"),
    ('\u{b}', " ", "a vertical tab"),
    ('\u{c}', " ", "a form feed"),
    ('“', "\"", "a curly quote"),
    ('”', "\"", "a curly quote"),
    ('„', "\"", "a low quote"),
    ('«', "\"", "an angle quote"),
    ('»', "\"", "an angle quote"),
    ('‘', "\"", "a curly quote"),
    ('’', "\"", "a curly quote"),
    ('−', "-", "a minus sign"),
    ('–', "-", "an en dash"),
    ('—', "-", "an em dash"),
    ('×', "*", "a multiplication sign"),
    ('·', "*", "a middle dot"),
    ('∗', "*", "an asterisk operator"),
    ('÷', "/", "a division sign"),
    ('∼', "~", "a tilde operator"),
    ('˜', "~", "a small tilde"),
    ('≤', "<=", "a less-or-equal sign"),
    ('≥', ">=", "a greater-or-equal sign"),
    ('≠', "!=", "an unequal sign"),
    ('→', "->", "an arrow"),
    ('∞', "inf", "an infinity sign"),
    ('²', "^2", "a superscript 2"),
    ('³', "^3", "a superscript 3"),
    ('…', "..", "an ellipsis"),
    ('，', ",", "a full-width comma"),
];

/// Letters of mathematics and how they are spelled; small ones, capitals follow.
const SPELLINGS: [(char, &str); 38] = [
    ('α', "alpha"),
    ('β', "beta"),
    ('γ', "gamma"),
    ('δ', "delta"),
    ('ε', "epsilon"),
    ('ϵ', "epsilon"),
    ('ζ', "zeta"),
    ('η', "eta"),
    ('θ', "theta"),
    ('ϑ', "theta"),
    ('ι', "iota"),
    ('κ', "kappa"),
    ('λ', "lambda"),
    ('μ', "mu"),
    ('µ', "mu"),
    ('ν', "nu"),
    ('ξ', "xi"),
    ('π', "pi"),
    ('ρ', "rho"),
    ('σ', "sigma"),
    ('τ', "tau"),
    ('φ', "phi"),
    ('ϕ', "phi"),
    ('χ', "chi"),
    ('ψ', "psi"),
    ('ω', "omega"),
    ('ä', "ae"),
    ('ö', "oe"),
    ('ü', "ue"),
    ('ß', "ss"),
    ('é', "e"),
    ('è', "e"),
    ('ê', "e"),
    ('á', "a"),
    ('à', "a"),
    ('ï', "i"),
    ('ñ', "n"),
    ('ç', "c"),
];

/// What to type instead, if it looks like something of ours.
pub fn plain(wrote: char) -> Option<&'static str> {
    LOOKALIKES.iter().find(|(c, ..)| *c == wrote).map(|(_, plain, _)| *plain)
}

/// How a message calls it; invisible ones are called by their number.
pub fn name(wrote: char) -> String {
    match LOOKALIKES.iter().find(|(c, ..)| *c == wrote) {
        Some((_, _, name)) => name.to_string(),
        None if wrote.is_control() || wrote.is_whitespace() => format!("the character U+{:04X}", wrote as u32),
        None => format!("`{wrote}`"),
    }
}

/// A name with its letters spelled in ASCII, where we know the spelling of all of them.
pub fn ascii(word: &str) -> Option<String> {
    let mut out = String::new();
    for c in word.chars() {
        let small = c.to_lowercase().next().unwrap_or(c);
        match SPELLINGS.iter().find(|(letter, _)| *letter == small) {
            _ if c.is_ascii() => out.push(c),
            Some((_, spelled)) if c == small => out.push_str(spelled),
            Some((_, spelled)) => {
                let (head, tail) = spelled.split_at(1);
                out.push_str(&head.to_uppercase());
                out.push_str(tail);
            }
            None => return None,
        }
    }
    Some(out)
}

//! Columns across lines. In runs of consecutive lines the `=` of definitions, the values of `fit` entries and
//! comments are aligned; other marks (`~`, `->`, `=` and types of items, one-line blocks) are aligned where they
//! were: neighbours of one kind whose marks stood in one column keep a common column.

use std::ops::Range;

use super::print_line::{Class, Line, Mark, WIDTH};

pub fn align(lines: &mut [Line]) {
    // A mark moves all marks right of it, so that they are placed from left to right.
    let most = lines.iter().map(|line| line.cells.len()).max().unwrap_or(0);
    for cell in 1..most {
        let mut from = 0;
        while from < lines.len() {
            let to = run(lines, from, cell);
            place(lines, from..to, cell);
            from = to;
        }
    }
    comments(lines);
}

fn mark(line: &Line, cell: usize) -> Option<Mark> {
    line.cells.get(cell).and_then(|cell| cell.mark)
}

/// Whether these marks are aligned whatever was written.
fn always(class: Class, mark: Mark) -> bool {
    matches!((class, mark.sign), (Class::Definition, '=') | (Class::Entry, ':'))
}

/// The end of the run that begins with line `from`.
fn run(lines: &[Line], from: usize, cell: usize) -> usize {
    let Some(first) = mark(&lines[from], cell) else { return from + 1 };
    let mut to = from + 1;
    while to < lines.len() && !lines[to - 1].open && joins(&lines[from], first, &lines[to], cell) {
        to += 1;
    }
    to
}

fn joins(one: &Line, first: Mark, other: &Line, cell: usize) -> bool {
    let Some(mark) = mark(other, cell) else { return false };
    let alike = one.class == other.class && one.indent == other.indent && first.sign == mark.sign;
    alike && (always(one.class, first) || first.column == mark.column)
}

/// Puts one mark of a run into one column, unless a line would become too long.
fn place(lines: &mut [Line], run: Range<usize>, cell: usize) {
    let Some(first) = mark(&lines[run.start], cell).filter(|_| run.len() > 1) else { return };
    let ends: Vec<usize> = lines[run.clone()].iter().map(|line| end(line, cell)).collect();
    let written = lines[run.clone()].iter().filter_map(|line| mark(line, cell)).map(|mark| mark.blanks).min();
    let slack = if always(lines[run.start].class, first) { 0 } else { written.unwrap_or(1).saturating_sub(1) };
    let column = ends.iter().max().copied().unwrap_or(0) + slack;
    let fits = |line: &Line, end: usize| line.length() + column - end <= WIDTH;
    if lines[run.clone()].iter().zip(&ends).all(|(line, end)| fits(line, *end)) {
        for (line, end) in lines[run].iter_mut().zip(ends) {
            line.cells[cell].pad = column - end;
        }
    }
}

/// The columns before a cell.
fn end(line: &Line, cell: usize) -> usize {
    line.cells[..cell].iter().map(|cell| cell.text.chars().count() + cell.pad + 1).sum()
}

/// Comments of consecutive lines stand in one column: the written one if it was one, else two spaces after the code.
fn comments(lines: &mut [Line]) {
    let mut from = 0;
    while from < lines.len() {
        let to = (from..lines.len()).find(|i| lines[*i].comment.is_none()).unwrap_or(lines.len());
        place_comments(&mut lines[from..to]);
        from = to.max(from + 1);
    }
}

fn place_comments(run: &mut [Line]) {
    let comments: Vec<_> = run.iter().filter_map(|line| line.comment.as_ref()).collect();
    let Some(first) = comments.first() else { return };
    let consistent = comments.iter().all(|comment| comment.column == first.column);
    let written = comments.iter().map(|comment| comment.blanks).min().unwrap_or(2).max(2);
    let longest = run.iter().map(Line::length).max().unwrap_or(0);
    let width = comments.iter().map(|comment| comment.text.chars().count()).max().unwrap_or(0);
    let wanted = [if consistent { longest + written } else { longest + 2 }, longest + 2];
    let column = wanted.into_iter().find(|column| column + width <= WIDTH);
    for line in run {
        let length = line.length();
        if let Some(comment) = &mut line.comment {
            comment.pad = column.map_or(2, |column| column - length);
        }
    }
}

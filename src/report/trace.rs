//! `trace.csv`: the bound while fitting.

/// One line of the trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceRow {
    pub step: usize,
    /// Passes over the rows so far; `None` where nothing is batched.
    pub epoch: Option<f64>,
    pub seconds: f64,
    pub elbo: f64,
    /// How many draws of equal weight those of a row are worth, where draws are weighed.
    pub ess: Option<f64>,
}

/// `step,epoch,seconds,elbo`, and `ess` where draws are weighed; an epoch that is not counted is an empty cell.
pub fn trace_csv(rows: &[TraceRow]) -> String {
    let weighed = rows.iter().any(|row| row.ess.is_some());
    let mut text = format!("step,epoch,seconds,elbo{}\n", if weighed { ",ess" } else { "" });
    for row in rows {
        let epoch = row.epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
        let ess = if weighed {
            format!(",{}", row.ess.map(|ess| ess.to_string()).unwrap_or_default())
        } else {
            String::new()
        };
        text.push_str(&format!("{},{epoch},{:.6},{}{ess}\n", row.step, row.seconds, row.elbo));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_row() {
        let row = TraceRow { step: 3, epoch: None, seconds: 0.5, elbo: -31.25, ess: None };
        let text = trace_csv(&[row, TraceRow { epoch: Some(1.5), ..row }]);
        assert_eq!(text, "step,epoch,seconds,elbo\n3,,0.500000,-31.25\n3,1.5,0.500000,-31.25\n");
        let text = trace_csv(&[TraceRow { ess: Some(7.5), ..row }]);
        assert_eq!(text, "step,epoch,seconds,elbo,ess\n3,,0.500000,-31.25,7.5\n");
    }
}

//! `draws.csv`: posterior draws in Stan's CSV columns, which ArviZ reads.

/// Draws from the posterior guide, one row a draw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draws {
    pub columns: Vec<DrawColumn>,
    /// The log joint of each draw; empty where there is no density.
    pub log_p: Vec<f64>,
    /// The guide's log density of each draw.
    pub log_g: Vec<f64>,
}

/// The draws of one site: draws x entries, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawColumn {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Draws {
    /// How many draws there are.
    pub fn count(&self) -> usize {
        let of_column = |column: &DrawColumn| column.values.len() / column.shape.iter().product::<usize>().max(1);
        self.columns.first().map_or(self.log_p.len(), of_column)
    }
}

/// A header, then one line a draw. As in Stan, indices count from 1 and the first runs fastest: `m.1.1`, `m.2.1`.
pub fn draws_csv(draws: &Draws) -> String {
    let densities: Vec<(&str, &[f64])> = [("log_p__", draws.log_p.as_slice()), ("log_g__", draws.log_g.as_slice())]
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .collect();
    let orders: Vec<Vec<Vec<usize>>> = draws.columns.iter().map(|column| column_major(&column.shape)).collect();
    let mut header: Vec<String> = densities.iter().map(|(name, _)| name.to_string()).collect();
    for (column, order) in draws.columns.iter().zip(&orders) {
        let name = |index: &Vec<usize>| index.iter().fold(column.name.clone(), |name, i| format!("{name}.{}", i + 1));
        header.extend(order.iter().map(name));
    }
    let mut text = header.join(",");
    text.push('\n');
    for draw in 0..draws.count() {
        let mut cells: Vec<String> = densities.iter().map(|(_, list)| list[draw].to_string()).collect();
        for (column, order) in draws.columns.iter().zip(&orders) {
            let entry = &column.values[draw * order.len()..(draw + 1) * order.len()];
            cells.extend(order.iter().map(|index| entry[row_major(&column.shape, index)].to_string()));
        }
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// Every index of an array, the first axis fastest.
fn column_major(shape: &[usize]) -> Vec<Vec<usize>> {
    let total: usize = shape.iter().product();
    let index = |mut at: usize| {
        let next = |size: &usize| {
            let i = at % size;
            at /= size;
            i
        };
        shape.iter().map(next).collect()
    };
    (0..total).map(index).collect()
}

fn row_major(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |at, (size, i)| at * size + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_and_ordered_as_in_stan() {
        let mu = DrawColumn { name: "mu".into(), shape: vec![], values: vec![0.5, 1.5] };
        let m =
            DrawColumn { name: "m".into(), shape: vec![2, 2], values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] };
        let draws = Draws { columns: vec![mu, m], log_p: vec![-1.0, -2.0], log_g: vec![-3.0, -4.0] };
        let want = "log_p__,log_g__,mu,m.1.1,m.2.1,m.1.2,m.2.2\n-1,-3,0.5,1,3,2,4\n-2,-4,1.5,5,7,6,8\n";
        assert_eq!(draws_csv(&draws), want);
    }
}

//! Model to Elbo: the bound, term by term, and an estimator for every site.

//! Model and guide side by side for Graphviz: the guide's arrows are dashed, and a site without a factor is dotted.

use crate::elbo::{Elbo, Treatment};
use crate::model::Auto;
use crate::model::dot::{Look, Picture, args, file, inner, model_picture};

pub fn dot(elbo: &Elbo) -> String {
    let model = model_picture(&elbo.model);
    let guide = guide_picture(elbo);
    let pictures = [("model", &model, ""), ("guide", &guide, "style=dashed")];
    file(&elbo.model.name, &pictures, &elbo.axes, &elbo.model)
}

/// What the joint Normal of a `fullrank`, `lowrank` or `laplace` guide is called.
const JOINT: &str = "joint Normal";

fn guide_picture(elbo: &Elbo) -> Picture {
    let model = &elbo.model;
    let mut picture = Picture::prefixed("q ");
    for view in &elbo.sites {
        let site = &model.sites[view.site.index()];
        match view.treatment {
            Treatment::Auto => {
                picture.add(&site.name, &site.name, Look::Latent, &site.plates);
                if model.guide.auto.is_some_and(Auto::is_joint) {
                    picture.add(JOINT, JOINT, Look::Point, &[]);
                    picture.arrow(JOINT, &site.name, "");
                }
            }
            Treatment::Written(at) | Treatment::Enumerated(at, _) => {
                let factor = &model.guide.factors[at];
                picture.add(&site.name, &site.name, Look::Latent, &factor.plates);
                picture.reads(model, &model.graph, &site.name, &args(&factor.dist));
            }
            Treatment::SummedOut(_) => {
                picture.add(&site.name, &format!("{} (summed out)", site.name), Look::Absent, &site.plates);
            }
            Treatment::Gibbs => {
                picture.add(&site.name, &format!("{} (block Gibbs)", site.name), Look::Absent, &site.plates);
            }
            Treatment::Leaf => {
                picture.add(&site.name, &format!("{} (from the model)", site.name), Look::Absent, &site.plates);
            }
        }
    }
    // Definitions read each other upwards only, so those that are drawn while this runs are met later: last first.
    for definition in model.definitions.iter().rev() {
        if picture.has(&definition.name) {
            picture.reads(model, &model.graph, &definition.name, &[inner(model, definition)]);
        }
    }
    picture
}

//! The named small worlds, and the walk through one: every step in every state that can be reached, on the shipped machine.
//!
//! What a [walk](walk()) checks: every rule of [`checks`](crate::checks) in every state and on every edge; from every
//! state rest is reached when the platform obliges, when it fails at everything, and when it never answers. And
//! what was walked is counted: states, edges, and the [marks](Marks) that tell which pairs of step and input, and
//! which rows of the contract's section 5, were taken. Which worlds are walked to the end, each [says](Named).
//!
//! | module | room for |
//! |---|---|
//! | `worlds` | the worlds as data, and what each leaves out |
//! | `marks` | pairs of step and input |
//! | `rows` | rows of section 5 |
//! | `walk` | the walk through a world, with all checks |

mod marks;
mod rows;
mod walk;
mod worlds;

pub use marks::Marks;
pub use walk::{Broken, Walk, walk};
pub use worlds::{Named, worlds};

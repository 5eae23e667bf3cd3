//! Pages, rendered.

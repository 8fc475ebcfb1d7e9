//! Where in a file expressions, arms and constants begin and end.

use std::collections::BTreeMap;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::Genre;

/// Bytes of a file.
pub(crate) type Extent = Range<usize>;

/// What has to be written twice, or guarded, for a mutant to be there and not to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// The expression around what changes.
    Expression(Extent),
    /// The guard of an arm that goes.
    Guard(Extent),
    /// The end of the pattern of an arm that goes and has no guard.
    Pattern(usize),
    /// An arm that the others do not stand in for: without it nothing compiles.
    Needed,
}

/// The sites of a file, each under the first byte of what changes there.
#[derive(Default)]
pub(crate) struct Sites {
    found: BTreeMap<(usize, Genre), Site>,
    constants: Vec<Extent>,
    const_fns: Vec<Extent>,
}

impl Sites {
    /// Errors are syn's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file = syn::parse_file(text).map_err(|error| error.to_string())?;
        let mut sites = Self::default();
        sites.visit_file(&file);
        Ok(sites)
    }

    /// Where a mutant of `genre` whose text begins at `start` belongs.
    pub(crate) fn get(&self, genre: Genre, start: usize) -> Option<&Site> {
        self.found.get(&(start, genre))
    }

    /// Evaluated while compiling, and never when the program runs.
    pub(crate) fn is_constant(&self, at: usize) -> bool {
        self.constants.iter().any(|extent| extent.contains(&at))
    }

    /// Evaluated while compiling, perhaps.
    pub(crate) fn is_in_const_fn(&self, at: usize) -> bool {
        self.const_fns.iter().any(|extent| extent.contains(&at))
    }

    fn note(&mut self, genre: Genre, what: &impl Spanned, site: Site) {
        self.found.insert((extent_of(what).start, genre), site);
    }

    fn note_arms(&mut self, arms: &[syn::Arm]) {
        let has_rest = arms.iter().any(|arm| matches!(arm.pat, syn::Pat::Wild(_) | syn::Pat::Ident(_)));
        for arm in arms {
            let site = match &arm.pat {
                syn::Pat::Guard(guarded) if has_let(&guarded.guard) => continue,
                syn::Pat::Guard(guarded) => {
                    let extent = extent_of(&guarded.guard);
                    self.note(Genre::MatchArmGuard, &guarded.guard, Site::Expression(extent.clone()));
                    Site::Guard(extent)
                }
                pattern if has_rest => Site::Pattern(extent_of(pattern).end),
                _ => Site::Needed,
            };
            self.note(Genre::MatchArm, arm, site);
        }
    }

    fn note_fn(&mut self, signature: &syn::Signature, whole: Extent) {
        if signature.constness.is_some() {
            self.const_fns.push(whole);
        }
    }
}

fn extent_of(what: &impl Spanned) -> Extent {
    what.span().byte_range()
}

/// `a && let Some(b) = c` is no expression that could stand in brackets.
fn has_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Sites {
    fn visit_expr(&mut self, node: &'ast syn::Expr) {
        match node {
            syn::Expr::Binary(binary) if !has_let(node) => {
                self.note(Genre::BinaryOperator, &binary.op, Site::Expression(extent_of(binary)));
            }
            syn::Expr::Unary(unary) => {
                self.note(Genre::UnaryOperator, &unary.op, Site::Expression(extent_of(unary)));
            }
            syn::Expr::Struct(literal) => {
                for field in &literal.fields {
                    self.note(Genre::StructField, field, Site::Expression(extent_of(literal)));
                }
            }
            syn::Expr::Match(matched) => self.note_arms(&matched.arms),
            syn::Expr::Const(block) => self.constants.push(extent_of(block)),
            _ => {}
        }
        visit::visit_expr(self, node);
    }

    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.constants.push(extent_of(node));
        visit::visit_item_const(self, node);
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.constants.push(extent_of(node));
        visit::visit_item_static(self, node);
    }

    fn visit_impl_item_const(&mut self, node: &'ast syn::ImplItemConst) {
        self.constants.push(extent_of(node));
        visit::visit_impl_item_const(self, node);
    }

    fn visit_trait_item_const(&mut self, node: &'ast syn::TraitItemConst) {
        self.constants.push(extent_of(node));
        visit::visit_trait_item_const(self, node);
    }

    fn visit_type_array(&mut self, node: &'ast syn::TypeArray) {
        self.constants.push(extent_of(&node.len));
        visit::visit_type_array(self, node);
    }

    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.constants.push(extent_of(&node.len));
        visit::visit_expr_repeat(self, node);
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.note_fn(&node.sig, extent_of(node));
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.note_fn(&node.sig, extent_of(node));
        visit::visit_impl_item_fn(self, node);
    }
}

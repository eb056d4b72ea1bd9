//! `[group.NAME]`.

use std::collections::BTreeSet;

use cutover_domain::{AttributeRule, Cohort, Group, SubjectSource};

use super::{Context, Item};
use crate::config::{
    code::Code,
    diagnostic::Diagnostic,
    document::{self, OneOrMany},
    node::Node,
};

pub(super) fn convert(
    item: &Item<'_, document::Group>,
    context: &mut Context<'_>,
) -> Option<Group> {
    let subjects = subjects(item, context);
    let cohort = cohort(item, context);
    if item.doc.sync.is_some() {
        context.push(
            Diagnostic::error(Code::NotSupported, "this version keeps no stores in step")
                .at(item.node.find(&["sync"]).place.clone())
                .hint(
                    "leave `sync` out; until there is one, a route that writes stops at `shadow`",
                ),
        );
    }
    Some(Group {
        id: item.name.clone(),
        owner: item.doc.owner.clone(),
        subjects,
        cohort,
        sync: item.doc.sync.is_some(),
        shared_store: item.doc.shared_store,
    })
}

fn subjects(item: &Item<'_, document::Group>, context: &mut Context<'_>) -> Vec<SubjectSource> {
    let node = item.node.find(&["subject"]);
    match &item.doc.subject {
        None => Vec::new(),
        Some(OneOrMany::One(text)) => context.source(text, node).into_iter().collect(),
        Some(OneOrMany::Many(texts)) => {
            let texts = texts.iter().zip(node.items());
            texts.filter_map(|(text, node)| context.source(text, node)).collect()
        }
    }
}

fn cohort(item: &Item<'_, document::Group>, context: &mut Context<'_>) -> Cohort {
    let doc = &item.doc.cohort;
    let node = item.node.find(&["cohort"]);
    let deny: BTreeSet<String> = doc.deny.iter().cloned().collect();
    for (subject, at) in doc.allow.iter().zip(node.find(&["allow"]).items()) {
        if deny.contains(subject) {
            let message = "a subject is on both lists";
            context.push(
                Diagnostic::warning(Code::CohortClash, message)
                    .at(at.place.clone())
                    .why("`deny` stands above `allow`, so legacy serves it")
                    .hint("take it off one of them"),
            );
        }
    }
    let rules = doc.attributes.iter().zip(node.find(&["attributes"]).items());
    let attributes = rules.filter_map(|(rule, node)| {
        let source = context.source(&rule.source, node.find(&["source"]))?;
        Some(AttributeRule { source, values: rule.values.iter().cloned().collect() })
    });
    Cohort {
        salt: item.doc.salt.clone().unwrap_or_else(|| item.name.clone()),
        attributes: attributes.collect(),
        allow: doc.allow.iter().cloned().collect(),
        deny,
    }
}

impl Context<'_> {
    fn source(&mut self, text: &str, node: &Node) -> Option<SubjectSource> {
        self.parse(Code::BadSource, node, text)
    }
}

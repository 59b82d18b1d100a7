//! The syntax tree for the eyes (`ppl elbo --stage ast`): a node a line, what is inside of it further in.

use super::{
    Arg, Ast, Binder, Block, Call, Entry, Expr, ExprKind, FitItem, Formal, Item, Name, NetResult, NetStmt, Param,
    PhaseOf, Stmt, Target, Type, UnaryOp, parse_expr,
};

/// Every line with the place in the file that its node begins at.
pub fn print(ast: &Ast) -> String {
    let mut tree = Tree { out: String::new(), depth: 0 };
    for item in &ast.items {
        let (line, column) = ast.source.position(item.span.start);
        tree.out.push_str(&format!("# {line}:{column}\n"));
        tree.item(&item.node);
    }
    tree.out
}

struct Tree {
    out: String,
    depth: usize,
}

impl Tree {
    fn line(&mut self, text: impl AsRef<str>) {
        self.out.push_str(&format!("{}{}\n", "  ".repeat(self.depth), text.as_ref()));
    }

    /// A node and what is inside of it.
    fn node(&mut self, text: impl AsRef<str>, inside: impl FnOnce(&mut Tree)) {
        self.line(text);
        self.depth += 1;
        inside(self);
        self.depth -= 1;
    }

    /// Expressions under a word; nothing where there are none.
    fn list(&mut self, word: &str, list: &[Expr]) {
        if !list.is_empty() {
            self.node(word, |tree| list.iter().for_each(|expr| tree.expr(expr)));
        }
    }

    fn maybe(&mut self, word: &str, value: Option<&Expr>) {
        if let Some(value) = value {
            self.node(word, |tree| tree.expr(value));
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Dim { name, value } => self.node(named("dim", name), |tree| tree.maybe("value", value.as_ref())),
            Item::Const { name, value } => self.node(named("const", name), |tree| tree.expr(value)),
            Item::Data { name, rows, ty, value } => self.node(named("data", name), |tree| {
                tree.list("rows", rows);
                tree.ty(ty);
                tree.maybe("column", value.as_ref());
            }),
            Item::Param(param) => self.param(param),
            Item::Net { name, formals, result, body } => self.node(named("net", name), |tree| {
                tree.formals("argument", formals);
                match result {
                    NetResult::One(ty) => tree.node("result", |tree| tree.ty(ty)),
                    NetResult::Named(list) => tree.formals("output", list),
                }
                body.iter().for_each(|stmt| tree.net_stmt(&stmt.node));
            }),
            Item::Fun { name, formals, body } => self.function("fun", name, formals, body),
            Item::Energy { name, formals, body } => self.function("energy", name, formals, body),
            Item::Model(block) => self.node("model", |tree| tree.block(block)),
            Item::Guide { auto, block } => self.node("guide", |tree| {
                if let Some(auto) = auto {
                    tree.node("automatic", |tree| tree.call(auto));
                }
                block.iter().for_each(|block| tree.block(block));
            }),
            Item::Fit { entries } => {
                self.node("fit", |tree| entries.iter().for_each(|entry| tree.fit_item(&entry.node)))
            }
            Item::Error { binds } => self.broken(binds),
        }
    }

    fn function(&mut self, word: &str, name: &Name, formals: &[Formal], body: &Expr) {
        self.node(named(word, name), |tree| {
            tree.formals("argument", formals);
            tree.expr(body);
        });
    }

    fn formals(&mut self, word: &str, formals: &[Formal]) {
        for formal in formals {
            self.node(named(word, &formal.name), |tree| formal.ty.iter().for_each(|ty| tree.ty(ty)));
        }
    }

    fn param(&mut self, param: &Param) {
        self.node(named("param", &param.name), |tree| {
            tree.list("rows", &param.rows);
            tree.ty(&param.ty);
            tree.maybe("start", param.value.as_ref());
        });
    }

    fn ty(&mut self, ty: &Type) {
        let missing = if ty.missing { ", entries may be missing" } else { "" };
        self.node(format!("type {}{missing}", ty.name.node), |tree| {
            tree.list("of", &ty.args);
            tree.list("shape", &ty.shape);
        });
    }

    fn block(&mut self, block: &Block) {
        block.stmts.iter().for_each(|stmt| self.stmt(&stmt.node));
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Plate { var, dim, chain, block } => {
                let chain = if *chain { ", a chain" } else { "" };
                self.node(format!("plate {} in {}{chain}", var.node, dim.node), |tree| tree.block(block));
            }
            Stmt::Factor(value) => self.node("factor", |tree| tree.expr(value)),
            Stmt::Param(param) => self.param(param),
            Stmt::Def { name, value } => self.node(named("define", name), |tree| tree.expr(value)),
            Stmt::Draw { targets, dist, by, .. } => self.node("draw", |tree| {
                targets.iter().for_each(|target| tree.target(target));
                tree.node("from", |tree| tree.call(dist));
                if let Some(by) = by {
                    tree.node("by", |tree| tree.call(by));
                }
            }),
            Stmt::Error { binds } => self.broken(binds),
        }
    }

    fn target(&mut self, target: &Target) {
        self.node(named("name", &target.name), |tree| {
            tree.list("rows", &target.index);
            target.ty.iter().for_each(|ty| tree.ty(ty));
        });
    }

    fn net_stmt(&mut self, stmt: &NetStmt) {
        match stmt {
            NetStmt::Def { name, value } => self.node(named("define", name), |tree| tree.expr(value)),
            NetStmt::Result(value) => self.node("result", |tree| tree.expr(value)),
            NetStmt::Error { binds } => self.broken(binds),
        }
    }

    fn fit_item(&mut self, item: &FitItem) {
        match item {
            FitItem::Entry(entry) => self.entry(entry),
            FitItem::Phase { of, entries } => {
                let of = if of.node == PhaseOf::Model { "model" } else { "guide" };
                self.node(format!("phase {of}"), |tree| entries.iter().for_each(|entry| tree.entry(&entry.node)));
            }
            FitItem::Error => self.line("did not parse"),
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.node(named("entry", &entry.name), |tree| {
            for value in &entry.values {
                match &value.key {
                    Some(key) => tree.node(named("of", key), |tree| tree.expr(&value.value)),
                    None => tree.expr(&value.value),
                }
            }
        });
    }

    fn broken(&mut self, binds: &[Name]) {
        let names: Vec<&str> = binds.iter().map(|name| name.node.as_str()).collect();
        self.line(if names.is_empty() {
            "did not parse".into()
        } else {
            format!("did not parse: {}", names.join(", "))
        });
    }

    fn call(&mut self, call: &Call) {
        self.node(named("call", &call.name), |tree| {
            call.args.iter().for_each(|arg| tree.arg(arg));
            tree.each(&call.each);
        });
    }

    fn arg(&mut self, arg: &Arg) {
        match &arg.name {
            Some(name) => self.node(named("argument", name), |tree| tree.expr(&arg.value)),
            None => self.expr(&arg.value),
        }
    }

    fn each(&mut self, each: &[Binder]) {
        for binder in each {
            self.node(format!("for {} in", binder.name.node), |tree| tree.expr(&binder.over));
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Number { text, .. } => self.line(format!("number {text}")),
            ExprKind::Text(text) => self.line(format!("text {text:?}")),
            ExprKind::Name(name) => self.line(format!("name {name}")),
            ExprKind::Unary { op, of } => {
                self.node(if *op == UnaryOp::Not { "not" } else { "negative" }, |tree| tree.expr(of));
            }
            ExprKind::Binary { op, left, right, .. } => self.node(parse_expr::symbol(*op), |tree| {
                tree.expr(left);
                tree.expr(right);
            }),
            ExprKind::If { condition, then, otherwise } => self.node("if", |tree| {
                tree.expr(condition);
                tree.node("then", |tree| tree.expr(then));
                tree.node("else", |tree| tree.expr(otherwise));
            }),
            ExprKind::Array(items) => self.node("array", |tree| items.iter().for_each(|item| tree.expr(item))),
            ExprKind::ArrayFor { body, each } => self.node("array", |tree| {
                tree.expr(body);
                tree.each(each);
            }),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Index { base, index } => self.node("index", |tree| {
                tree.expr(base);
                tree.list("at", index);
            }),
            ExprKind::Field { base, name } => self.node(named("output", name), |tree| tree.expr(base)),
            ExprKind::Range { low, high } => self.node("range", |tree| {
                tree.expr(low);
                tree.expr(high);
            }),
            ExprKind::Paren(inner) => self.node("parentheses", |tree| tree.expr(inner)),
            ExprKind::Record(fields) => self.node("record", |tree| {
                fields.iter().for_each(|(name, value)| tree.node(named("of", name), |tree| tree.expr(value)));
            }),
        }
    }
}

fn named(word: &str, name: &Name) -> String {
    format!("{word} {}", name.node)
}

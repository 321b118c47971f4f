"""Sphinx extension: links to the course's repository, whose address stands in `_config.yml` alone.

{repository}`the repository`                     its front page
{repository}`the licence <blob/main/LICENSE>`    a path in it, as the forge writes it
"""

from docutils import nodes
from sphinx.util.docutils import ReferenceRole


class RepositoryRole(ReferenceRole):
    def run(self):
        address = self.config.html_theme_options["repository_url"].rstrip("/")
        path = f"/{self.target}" if self.has_explicit_title else ""
        return [nodes.reference(self.rawtext, self.title, refuri=address + path)], []


def setup(app):
    app.add_role("repository", RepositoryRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

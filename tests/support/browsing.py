"""What the tests of pages share: opening a page, and axe's rules."""

PHONE = {"width": 390, "height": 844}
WIDTH = "() => document.documentElement.scrollWidth"
AXE = """async rules => {
    const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const {violations} = await axe.run(document, {runOnly, rules, resultTypes: ["violations"]});
    return violations.flatMap(({id, nodes}) => nodes.map(node => {
        const reasons = [...node.any, ...node.all, ...node.none].map(check => check.message);
        return `${id}: ${node.target} ${reasons.join(" ")}`;
    }));
}"""


def open_page(context, url, allowed):
    """Open a page; return it and what went wrong while it loaded, requests outside `allowed` included."""
    page, faults = context.new_page(), []

    def watch(request):
        if not request.url.startswith((allowed, "data:", "blob:")):
            faults.append(f"asked another host: {request.url}")

    page.on("request", watch)
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url} {request.failure}"))
    page.on("response", lambda response: response.status >= 400 and faults.append(f"{response.status}: {response.url}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
    page.goto(url)  # until its scripts have run, which on a busy machine may be after a first lull of the network
    page.wait_for_load_state("networkidle")
    return page, faults

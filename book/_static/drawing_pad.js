// The drawing pad of a page of the book: its networks are scripts beside it, loaded when they are chosen.
(function (cnncourse) {
  "use strict";

  const folder = new URL("pad/networks/", document.currentScript.src);
  const files = new Map(); // what the scripts of networks hand over

  /** Called by the script of a network: its JSON, and pictures to start from, [{name, address}]. */
  cnncourse.networkFile = (id, json, pictures) => files.set(id, { json, pictures });

  /** A Promise of the network whose script has this address. */
  async function load(id, address) {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const fail = () => reject(new Error("its file can't be reached. Check the connection, then choose it again."));
      script.addEventListener("load", resolve);
      script.addEventListener("error", fail);
      script.src = address;
      document.head.append(script);
    });
    const { json, pictures } = files.get(id);
    return { ...cnncourse.readNetwork(json), pictures };
  }

  for (const element of document.querySelectorAll(".drawing-pad")) {
    const networks = JSON.parse(element.dataset.networks).map(({ id, title, file }) => ({
      id,
      title,
      load: () => load(id, new URL(file, folder)),
    }));
    element.pad = cnncourse.createPad(element, { networks, openFile: true, headingLevel: 2 });
  }
})((globalThis.cnncourse ??= {}));

// The drawing pad of the page "Draw a digit": its networks are scripts beside it, loaded when they are chosen.

(function (cnncourse) {
  "use strict";

  const folder = new URL("pad/networks/", document.currentScript.src);
  const files = new Map(); // what the scripts of networks hand over

  /** Called by the script of a network. */
  cnncourse.networkFile = (id, json) => files.set(id, json);

  /** A Promise of the network whose script has this address. */
  function load(id, address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.onload = () => resolve();
      script.onerror = () => reject(new Error("its file can't be reached. Check the connection, then choose it again."));
      script.src = address;
      document.head.append(script);
    }).then(() => cnncourse.readNetwork(files.get(id)));
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

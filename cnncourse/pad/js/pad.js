// The drawing pad: draw, or open a picture, and see what a network answers and what each of its layers sees.
// It needs the other files of this folder before it, in the order of SCRIPTS in cnncourse/pad/page.py.
(function (cnncourse) {
  "use strict";

  const { make, percent, times, largest, copied, drawImage, invitation, fitted } = cnncourse.parts;
  const { makeInput, makeBars, makeLayer, makeFailures } = cnncourse.parts;
  const PAUSE = 700; // milliseconds without a change until the answer is said

  /** What JSON says. */
  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error("it is not JSON. Choose a file that cnncourse.pad.export_web wrote.");
    }
  }

  /** A copy of a result, because the next run of a network may write over what it gave. */
  function kept({ outputs, logits, probabilities, pixels }) {
    const copies = outputs.map((output) => ({ ...output, data: output.data.slice() }));
    return { outputs: copies, logits: logits.slice(), probabilities: probabilities.slice(), pixels };
  }

  /** The network, if the pad can show its images: grey or in colour. */
  function accepted(network) {
    if ([1, 3].includes(network.inputShape[0])) return network;
    const shape = network.inputShape.join("×");
    throw new Error(`it takes images of ${shape}. The pad has grey ones, 1×H×W, and ones in colour, 3×H×W.`);
  }

  async function ask(network, image) {
    const { probabilities } = await network.run(fitted(image, network));
    const answer = largest(probabilities);
    return { answer, probability: probabilities[answer] };
  }

  /**
   * Build a drawing pad into an element.
   *
   * options.networks: [{id, title, load}], the first is chosen; load() returns a Promise of a network: an object with
   *   name, inputShape [C, H, W], classes, maybe parameters, maybe sure (below this probability of the answer the pad says
   *   "Not sure"), maybe pictures to start from ([{name, address}]), and run(pixels, given), which returns a result or a
   *   Promise of one (see network.js; in a notebook Python answers).
   *   given is what the pixels were made of, {strokes} or {picture: File}; none for an image that the pad has changed.
   * options.openFile: offer "Use your own network", from a file of `cnncourse.pad.export_web`. False unless given.
   * options.headingLevel: of the pad's headings, 3 unless given.
   * options.onChange(image): called after each change; image is Uint8, of a drawing 28·28 and of a picture C·H·W, or null
   *   while there is neither.
   *
   * Returns {strokes, image, result, setStrokes(strokes), openPicture(file), choose(id), destroy()}. choose returns a
   * Promise that is fulfilled when the network is chosen or could not be loaded, which the pad then says.
   *
   * After each update, with the probabilities and all maps drawn, the element gets a CustomEvent "cnncourse-update" with
   * detail {milliseconds, image, probabilities, network, shapes}: milliseconds from the input event to the end of
   * drawing, the id of the network, probabilities null while there is no image.
   */
  function createPad(element, options) {
    const entries = [];
    const loaded = new Map(); // networks by id
    const state = { id: null, network: null, image: null, result: null };
    const heading = (text) => make(`h${options.headingLevel ?? 3}`, {}, text);
    const live = make("p", { class: "unseen", role: "status" });
    const say = (text) => (live.textContent = text);
    const input = makeInput(changed, say, complain);

    // --- What it is made of, from top to bottom ---

    const select = make("select", { autocomplete: "off", onchange: () => choose(select.value) });
    const about = make("p", { class: "hint" });
    const message = make("div", { class: "message", role: "alert" });
    const file = make("input", { type: "file", accept: ".json,application/json", onchange: openFile });
    file.addEventListener("click", () => (file.value = "")); // so that the same file can be chosen again
    const own = make("div", { class: "own" },
      make("label", {}, make("span", {}, "Use your own network"), file),
      make("p", { class: "hint" }, "A JSON file that ", make("code", {}, "cnncourse.pad.export_web"),
        " wrote. It stays in your browser: nothing is sent anywhere."));
    options.networks.forEach(offer);

    const verdict = make("p", { class: "answer" });
    const seen = make("canvas", { class: "image", role: "img" });
    const seenText = make("figcaption");
    const bars = makeBars();
    const current = () => ({ ...state, strokes: input.strokes });
    const failures = makeFailures(heading("Where does it fail?"), current, ask, say);
    const soon = make("p", { class: "hint" }, "They appear here with the first answer.");
    const maps = make("div", { class: "maps" }, soon);
    const legend = make("p", { class: "legend" },
      make("span", {}, "below 0"), make("span", { class: "scale" }), make("span", {}, "above 0"));

    const root = make("div", { class: "cnncourse-pad", "data-lm-suppress-shortcuts": "true" },
      make("div", { class: "choice" }, make("label", {}, make("span", {}, "Network"), select), about),
      make("div", { class: "desk" },
        input.element,
        make("div", { class: "reading" },
          make("div", { class: "verdict" }, verdict, make("figure", {}, seen, seenText)),
          bars.element)),
      message, // below the board, which must not move while someone draws
      make("div", { class: "desk" }, input.samples, ...(options.openFile ? [own] : [])),
      failures.element,
      make("section", {}, heading("Inside the network"),
        make("p", {}, "What each layer gives to the next, from the first to the last. Each has its own scale: ",
          "its ends are the number beside the layer, its middle is 0."),
        legend, maps),
      live);
    element.append(root);

    // --- From a change to what is shown ---

    let since = null; // when the first change came that is not shown yet
    let frame = 0; // of the browser, in which the next update comes
    let question = null; // that the network has not answered yet
    let trouble = ""; // why the network could not answer
    let pause = 0;
    let layers = [];
    let layersOf = null; // the network that they belong to
    let room = 0; // in CSS pixels, for the maps of one layer

    function changed() {
      since ??= performance.now();
      failures.reset();
      failures.element.hidden = input.reading(); // it moves and thickens strokes
      frame ||= requestAnimationFrame(update);
    }

    /** Draw the strokes, ask the network and show its answer: at most once a frame, and one question at a time. */
    async function update() {
      frame = 0;
      input.draw();
      const given = input.given();
      const image = given?.image ?? null;
      state.image = image;
      options.onChange?.(image);
      if (question && image) return; // the next update comes with the answer
      question = null; // an empty drawing waits for nobody
      if (!image && trouble) message.textContent = trouble = "";
      const began = since;
      since = null;
      const { id, network } = state;
      let result = null;
      if (image && network) {
        const mine = (question = {});
        let wrong = "";
        try {
          result = kept(await network.run(given.pixels, given));
        } catch (error) {
          wrong = `${network.name} can't answer: ${error.message}`;
        }
        if (question !== mine) return; // another network was chosen meanwhile
        question = null;
        if (wrong !== trouble) message.textContent = trouble = wrong;
      }
      show(given, result);
      const detail = {
        milliseconds: performance.now() - began,
        image,
        probabilities: result?.probabilities ?? null,
        network: id,
        shapes: (result?.outputs ?? []).map(({ shape }) => shape),
      };
      element.dispatchEvent(new CustomEvent("cnncourse-update", { detail }));
      if (since !== null) frame ||= requestAnimationFrame(update);
    }

    function show(given, result) {
      const { network } = state;
      state.result = result;
      const shape = network?.inputShape ?? [1, 28, 28];
      drawImage(seen, result?.pixels ?? given?.pixels ?? new Uint8Array(shape.reduce((a, b) => a * b)), shape);
      bars.draw(network?.classes ?? [], result?.probabilities);
      let text = given ? "" : invitation(network);
      verdict.textContent = text;
      verdict.dataset.length = "sentence";
      if (result) {
        const answer = largest(result.probabilities);
        const [name, probability] = [network.classes[answer], result.probabilities[answer]];
        if (probability < network.sure) {
          text = `Not sure. Perhaps ${name}.`;
          verdict.replaceChildren("Not sure. Perhaps ", make("strong", {}, name), ".");
        } else {
          const share = percent(probability);
          text = `Looks like ${name}, ${share}`;
          verdict.replaceChildren(make("span", { class: "looks" }, "Looks like "), make("strong", {}, name), " ", share);
          verdict.dataset.length = name.length <= 3 ? "short" : name.length <= 10 ? "word" : "words";
        }
        setLayers(result.outputs);
        layersOf = network;
      } else if (layersOf !== network) {
        layers = [];
        maps.replaceChildren(soon);
      }
      layers.forEach((layer, i) => layer.draw(result?.outputs[i].data));
      clearTimeout(pause);
      if (text) pause = setTimeout(() => say(text), PAUSE);
    }

    function setLayers(outputs) {
      const same = layers.length === outputs.length && layers.every((layer, i) => layer.is(outputs[i]));
      if (same) return;
      layers = outputs.map(makeLayer);
      maps.replaceChildren(...layers.map((layer) => layer.element));
      room = maps.firstElementChild.clientWidth;
      layers.forEach((layer) => layer.layout(room));
    }

    const watcher = new ResizeObserver(() => {
      input.draw();
      const now = maps.firstElementChild?.clientWidth;
      if (!now || now === room) return;
      room = now;
      layers.forEach((layer, i) => {
        layer.layout(room);
        layer.draw(state.result?.outputs[i].data);
      });
    });
    watcher.observe(root);

    // --- The choice of a network ---

    function describe() {
      select.value = state.id;
      const { parameters, inputShape } = state.network;
      const size = times(inputShape.slice(1));
      const takes = `${inputShape[0] === 1 ? "" : "colour "}images of ${size} pixels`;
      about.textContent = parameters ? `${parameters.toLocaleString("en")} parameters, ${takes}` : takes;
      seen.setAttribute("aria-label", `The image of ${size} pixels that the network sees`);
      seenText.textContent = `What the network sees: ${size}`;
    }

    function offer({ id, title, load }) {
      const option = make("option", { value: id }, title);
      entries.push({ id, title, load, option });
      select.append(option);
    }

    function complain(text) {
      message.textContent = text;
      if (text) message.scrollIntoView({ block: "nearest", behavior: "instant" });
    }

    /** Say what is wrong, and that the network stays as it was. */
    function refuse(text) {
      const title = entries.find(({ id }) => id === state.id)?.title;
      complain(title ? `${text} The pad still uses ${title}.` : text);
      about.textContent = "";
      select.value = state.id ?? ""; // without a network nothing is chosen, so that each can be
      if (state.network) describe();
    }

    let choice = 0; // counts up, so that only the newest choice is kept

    async function choose(id) {
      const mine = ++choice;
      const entry = entries.find((each) => each.id === id);
      if (!entry) throw new Error(`There is no network "${id}" to choose.`);
      message.textContent = trouble = "";
      if (!loaded.has(id)) {
        about.textContent = `Loading ${entry.title} …`;
        say(about.textContent);
        try {
          loaded.set(id, accepted(await entry.load()));
        } catch (error) {
          if (mine === choice) refuse(`${entry.title} could not be loaded: ${error.message}`);
        }
        if (mine !== choice || !loaded.has(id)) return;
      }
      Object.assign(state, { id, network: loaded.get(id) });
      question = null;
      input.setNetwork(state.network);
      describe();
      changed();
    }

    async function openFile() {
      const [chosen] = file.files;
      if (!chosen) return;
      choice++; // what still loads is not wanted any more
      try {
        const network = accepted(cnncourse.readNetwork(parsed(await chosen.text())));
        const id = `file ${chosen.name}`;
        const title = `${network.name}, from ${chosen.name}`;
        const known = entries.find((entry) => entry.id === id);
        if (known) known.title = known.option.textContent = title;
        else offer({ id, title });
        loaded.set(id, network);
        await choose(id);
      } catch (error) {
        refuse(`${chosen.name} can't be used: ${error.message}`);
      }
    }

    choose(entries[0].id);
    changed();

    return {
      get strokes() { return copied(input.strokes); },
      get image() { return state.image; },
      get result() { return state.result; },
      setStrokes: (strokes) => input.setStrokes(strokes),
      openPicture: (picture) => input.open(picture),
      choose,
      destroy() {
        choice++;
        question = null;
        cancelAnimationFrame(frame);
        clearTimeout(pause);
        failures.reset();
        watcher.disconnect();
        input.destroy();
        root.remove();
      },
    };
  }

  cnncourse.createPad = createPad;
})((globalThis.cnncourse ??= {}));

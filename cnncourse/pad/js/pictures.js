// Pictures from files: chosen, dropped or pasted, shown as far as a network sees them, and made into its pixels.
(function (cnncourse) {
  "use strict";

  const { make, setSize, readsStrokes, readsDigits } = cnncourse.parts;
  const LONGEST = 4096; // pixels of a side; a larger picture is made smaller first, as some browsers have no room for it
  const SHOWN = 480; // pixels of the longer side of what is shown
  const GROUND = "#fff"; // where a picture lets the ground through

  /** A picture's file, opened and turned as its camera says: {file, bitmap}. */
  async function openPicture(file) {
    try {
      return { file, bitmap: await createImageBitmap(file, { colorSpaceConversion: "none" }) };
    } catch {
      throw new Error("this browser can't open it as a picture. Choose a PNG, JPEG, WebP or GIF file.");
    }
  }

  /** What a network of this input shape gets of a picture: Uint8, channel by channel. */
  function pixelsOf({ bitmap }, inputShape) {
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const [height, width] = [bitmap.height, bitmap.width].map((side) => Math.max(1, Math.round(side * scale)));
    const context = make("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.fillStyle = GROUND;
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0, width, height);
    return cnncourse.pictureImage(context.getImageData(0, 0, width, height).data, [height, width], inputShape);
  }

  /** Draw the middle of a picture, as much of it as a network of this input shape sees. */
  function drawMiddle(canvas, { bitmap }, [, height, width]) {
    const large = SHOWN / Math.max(height, width);
    setSize(canvas, Math.round(width * large), Math.round(height * large));
    const context = canvas.getContext("2d");
    context.fillStyle = GROUND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = bitmap.width > width || bitmap.height > height; // else its pixels can be seen
    const scale = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height);
    const [wide, high] = [bitmap.width * scale, bitmap.height * scale];
    context.drawImage(bitmap, (canvas.width - wide) / 2, (canvas.height - high) / 2, wide, high);
  }

  /**
   * Where a picture is shown, and what opens one: {frame, opener, show(picture, network, draws)}.
   * open(file) is called with what was chosen, close() when the picture shall go. While someone draws, there is no frame.
   */
  function makeFrame(open, close) {
    const canvas = make("canvas", { role: "img" });
    const hint = make("p", { class: "hint" }, "Open a picture below, or drop or paste one here.");
    const frame = make("div", { class: "frame" }, canvas, hint);
    const chosen = () => file.files[0] && open(file.files[0]);
    const file = make("input", { type: "file", accept: "image/*", onchange: chosen });
    file.addEventListener("click", () => (file.value = "")); // so that the same file can be chosen again
    const label = make("span");
    const away = make("button", { type: "button", onclick: close }, "Take the picture away");
    const plain = make("p", { class: "hint" },
      "The network gets the picture as it is, not prepared as a drawing is. MNIST's digits are white on black.");
    const opener = make("div", { class: "own" }, make("label", {}, label, file), away, plain);

    function show(picture, network, draws) {
      frame.hidden = draws;
      label.textContent = network && !readsStrokes(network) ? "Open a picture" : "Or open a picture";
      plain.hidden = !picture || !readsDigits(network);
      hint.hidden = Boolean(picture);
      canvas.hidden = away.hidden = !picture;
      const [, height, width] = network?.inputShape ?? [1, 1, 1];
      frame.style.aspectRatio = `${width} / ${height}`;
      if (!picture) return (file.value = "");
      canvas.setAttribute("aria-label", `The picture ${picture.file.name}, as much of it as the network sees`);
      return drawMiddle(canvas, picture, network.inputShape);
    }

    return { frame, opener, show };
  }

  /** Calls open(file) for each picture that is dropped on the element or pasted; returns what ends that. */
  function listen(element, open) {
    const pictureIn = (transfer) => [...(transfer?.files ?? [])].find(({ type }) => type.startsWith("image/"));

    function over(event) {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); // so that it may be dropped
    }

    function dropped(event) {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault(); // the browser would leave the page for the picture
      open(file);
    }

    function pasted(event) {
      const { target } = event;
      const typing = target.isContentEditable || target.matches?.("input:not([type=file]), textarea");
      const file = pictureIn(event.clipboardData);
      if (!file || typing || !(element.contains(target) || target === document.body)) return;
      event.preventDefault();
      open(file);
    }

    element.addEventListener("dragover", over);
    element.addEventListener("drop", dropped);
    document.addEventListener("paste", pasted);
    return () => document.removeEventListener("paste", pasted);
  }

  Object.assign(cnncourse.parts, { openPicture, pixelsOf, makeFrame, listen });
})((globalThis.cnncourse ??= {}));

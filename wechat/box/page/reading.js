// Reading the QR code in any picture: a photograph of a poster, a screenshot, a picture that was saved anew.
// Codes of a poster are found best when the whole is neither huge nor tiny.
const LONGEST = [1200, 2000, 700];

async function byBrowser(bitmap) {
  if (!("BarcodeDetector" in window)) return null;
  try {
    const found = await new BarcodeDetector({ formats: ["qr_code"] }).detect(bitmap);
    return found[0]?.rawValue || null;
  } catch {
    return null; // some browsers have the name and no service behind it
  }
}

function pixels(bitmap, longest) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

async function byDecoder(bitmap) {
  const { decodeQR } = await import("./vendor/qr/decode.js");
  for (const longest of LONGEST) {
    try {
      return decodeQR(pixels(bitmap, longest));
    } catch {
      // no code at this size
    }
  }
  return null;
}

// The text of the QR code in the picture, or null when there is none to be found.
export async function readCode(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  const text = (await byBrowser(bitmap)) ?? (await byDecoder(bitmap));
  bitmap.close();
  return text;
}

/** An item's code as the catalogue takes it: 1 to 32 characters without blanks or quotes (`wms/catalogue/model.py`). */
const SKU = /^[^\s\p{C}"'`“”‘’]{1,32}$/u;

/** Whether what was typed, without blanks around it, may be an item's code. */
export function isSku(text: string): boolean {
  return SKU.test(text.trim());
}

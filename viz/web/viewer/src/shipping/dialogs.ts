/** What the page's dialogs are given. */
export interface ShippingDialogProps {
  /** The site's. */
  path: string;
  onClose: () => void;
  onDone: () => void;
}

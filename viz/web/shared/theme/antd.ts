import { theme as antd, type ThemeConfig } from "antd";
import { token, type Theme } from "./theme";

/**
 * The component library's theme, from our tokens: both always look as one product. Its compact algorithm is not used:
 * it would draw text smaller than ours.
 */
export function antdTheme(theme: Theme): ThemeConfig {
  return {
    algorithm: theme === "dark" ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: {
      colorPrimary: token("--accent"),
      colorInfo: token("--evidence-verified"),
      colorSuccess: token("--good"),
      colorWarning: token("--grade-check"),
      colorError: token("--grade-freeze"),
      colorLink: token("--accent"),
      colorTextBase: token("--ink"),
      colorBgBase: token("--surface"),
      colorBgLayout: token("--ground"),
      colorBgContainer: token("--surface"),
      colorBgElevated: token("--surface-raised"),
      colorText: token("--ink"),
      colorTextSecondary: token("--ink-soft"),
      colorTextTertiary: token("--ink-faint"),
      colorTextDescription: token("--ink-soft"),
      colorTextPlaceholder: token("--ink-faint"),
      colorBorder: token("--line"),
      colorBorderSecondary: token("--line"),
      fontFamily: token("--font"),
      fontFamilyCode: token("--font-mono"),
      fontSize: 13,
      controlHeight: 30,
      borderRadius: 5,
      borderRadiusLG: 8,
      borderRadiusSM: 3,
      wireframe: false,
    },
    components: {
      Table: { headerBg: token("--surface-sunken"), headerColor: token("--ink-soft"), cellPaddingBlock: 7 },
      Button: { primaryShadow: "none", defaultShadow: "none" },
    },
  };
}

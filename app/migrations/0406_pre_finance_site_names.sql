-- A bank that holds nothing at a site sees the site no longer; its facility goes on saying where it is.

ALTER TABLE finance.facility ADD COLUMN site_name_en text, ADD COLUMN site_name_zh text;
COMMENT ON COLUMN finance.facility.site_name_en IS 'The site''s name when the facility was opened; null before names were kept.';
COMMENT ON COLUMN finance.facility.site_name_zh IS 'The same in Chinese.';

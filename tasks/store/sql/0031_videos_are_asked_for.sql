-- What is sent only when it is asked for comes with histories and offers; a reply with figures alone leaves it as it is.

COMMENT ON COLUMN products.a_plus IS
    'The maker''s pages: [{fromManufacturer, module: [{text, image, imageAltText, video, asin}]}]; asked for with histories.';
COMMENT ON COLUMN products.videos IS
    'Videos: [{title, image, duration in seconds, creator, name, url}]; asked for with histories.';

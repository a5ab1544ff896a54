// What the site's own server offers. Nothing, here.
export interface API {}

export const Share = () => null;

/** Return the fields of the message `open`: of the page before a restart, else of the link. */
export const readLink = ({ state }) => (state ? { settings: state.settings } : {});
